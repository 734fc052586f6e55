import asyncio
from pathlib import Path

import pytest

from benchmarks.serving import Loop, Times, load, measured, requests_for, server
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface


def test_waits_and_rates_are_what_the_clients_saw() -> None:
    found = measured([Times(10.0, [10.5, 10.75, 11.0]), Times(10.25, [11.25, 12.0])])
    assert found.rate == 5 / 2.0
    assert found.first_median == 1000 * (0.5 + 1.0) / 2
    assert found.next_median == 250
    assert found.next_p99 == pytest.approx(1000 * (0.25 + 0.98 * 0.5))


def test_the_same_clients_ask_the_same_every_time() -> None:
    assert requests_for(8) == requests_for(8)
    assert [len(requests) for requests in requests_for(8)] == [2] * 8
    lengths = {(len(one.ids), one.max_tokens) for requests in requests_for(128) for one in requests}
    assert len(lengths) > 100
    assert all(8 <= n_prompt <= 64 and 16 <= n_more <= 64 for n_prompt, n_more in lengths)


def test_both_write_what_was_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
    save_huggingface(GPT(GPTConfig(n_ctx=128, n_embd=32, n_head=2, n_layer=1)), tmp_path)
    clients = requests_for(3)
    wanted = sorted(request.max_tokens for requests in clients for request in requests)
    with server(str(tmp_path), "float32", 2) as port:
        ours = asyncio.run(load(port, clients))
    theirs = Loop(str(tmp_path), "float32").load(clients)
    for times in (ours, theirs):
        assert sorted(len(one.tokens) for one in times) == wanted
        assert all(one.asked <= one.tokens[0] and one.tokens == sorted(one.tokens) for one in times)
