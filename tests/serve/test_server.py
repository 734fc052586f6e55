"""A real server process on loopback, with real clients."""

import asyncio
import json
import signal
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from reference import theirs
from skipped import skip_file_without

from nextword.decode import generate_batch
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer, save_tokenizer
from nextword.weights import save_huggingface

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
httpx = pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")
skip_file_without("openai", "openai (extra: test) is not installed")

TOKENIZER = Tokenizer()
NO_END = {"50256": -100}


@pytest.fixture(scope="module")
def client(server: SimpleNamespace) -> Any:
    """OpenAI's own."""
    import openai

    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def http_request(body: bytes, *headers: str) -> bytes:
    """A request for a completion, as it goes over the wire."""
    lines = ["POST /v1/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def expected(small: GPT, ids: list[int]) -> torch.Tensor:
    """transformers' log-probabilities of what follows each of these ids: (T, V)."""
    with torch.no_grad():
        return theirs(small)(torch.tensor([ids])).logits[0].double().log_softmax(-1)


def test_greedy_text_is_transformers_own(client, small: GPT) -> None:
    ids = TOKENIZER.encode("Every effort moves you")
    right = theirs(small).generate(torch.tensor([ids]), max_new_tokens=20, do_sample=False, pad_token_id=50256)
    answer = client.completions.create(model="small", prompt="Every effort moves you", max_tokens=20, temperature=0)
    assert answer.choices[0].text == TOKENIZER.decode(right[0, len(ids) :])
    assert answer.choices[0].finish_reason == "length"
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (len(ids), 20, len(ids) + 20)


def test_a_seed_writes_what_it_writes_everywhere(client, small: GPT) -> None:
    prompts = ["Every effort", "", "One day"]
    right = generate_batch(
        small, TOKENIZER, [prompt for prompt in prompts for _ in range(2)], max_new_tokens=12, seed=8
    )
    answer = client.completions.create(
        model="small", prompt=prompts, n=2, max_tokens=12, temperature=0.8, seed=8, extra_body={"top_k": 40}
    )
    assert [prompts[choice.index // 2] + choice.text for choice in answer.choices] == right


def test_log_probabilities_are_transformers_own(client, small: GPT) -> None:
    prompt = "The piano came down 🧩"
    ids = TOKENIZER.encode(prompt)
    words = {str(id): 100 for id in TOKENIZER.encode(" the of and to in")}  # whose names say which token each is
    answer = client.completions.create(
        model="small", prompt=prompt, max_tokens=5, temperature=1, seed=3, echo=True, logprobs=4, logit_bias=words
    )
    choice = answer.choices[0]
    found = choice.logprobs
    assert choice.text.startswith(prompt)
    ids += [id for token in found.tokens[len(ids) :] for id in TOKENIZER.encode(token)]
    assert len(ids) == len(found.tokens) == len(TOKENIZER.encode(prompt)) + 5
    right = expected(small, ids)
    assert found.token_logprobs[0] is None
    assert found.top_logprobs[0] is None
    for at, id in enumerate(ids[1:]):
        assert found.token_logprobs[at + 1] == pytest.approx(right[at, id].item(), abs=1e-4)
        best = sorted(found.top_logprobs[at + 1].values(), reverse=True)[:4]
        assert best == pytest.approx(right[at].topk(4).values.tolist(), abs=1e-4)
    for token, offset in zip(found.tokens, found.text_offset, strict=True):
        assert token.startswith("bytes:") or choice.text[offset:].startswith(token)
    assert "bytes:" in "".join(found.tokens)  # of the two halves of the last character


def test_the_likeliest_prompt_tokens_are_exactly_the_maximum(client, small: GPT) -> None:
    ids = [11, 22]
    for _ in range(6):
        ids.append(int(expected(small, ids)[-1].argmax()))
    choice = client.completions.create(model="small", prompt=ids, max_tokens=1, temperature=0, echo=True, logprobs=1)
    found = choice.choices[0].logprobs
    greedy = [own == max(top.values()) for own, top in zip(found.token_logprobs[1:], found.top_logprobs[1:])]
    assert greedy[1:] == [True] * 7


def test_all_forms_of_prompts(client) -> None:
    def texts(prompt) -> list[str]:
        answer = client.completions.create(model="small", prompt=prompt, max_tokens=4, temperature=0)
        return [choice.text for choice in answer.choices]

    a, b = TOKENIZER.encode("One two"), TOKENIZER.encode("Three")
    assert texts("One two") == texts(["One two"]) == texts(a) == texts([a])
    assert texts(["One two", "Three"]) == texts([a, b]) == [*texts(a), *texts(b)]
    assert texts("") == texts([50256]) == texts("<|endoftext|>")


def test_a_stream_is_the_text_in_pieces(client) -> None:
    settings = {"model": "small", "prompt": ["Hello", "There"], "max_tokens": 12, "seed": 5, "n": 2, "echo": True}
    whole = client.completions.create(**settings, logprobs=1)
    texts, tokens, ends, usage = [""] * 4, [[] for _ in range(4)], [None] * 4, None
    for part in client.completions.create(**settings, logprobs=1, stream=True, stream_options={"include_usage": True}):
        usage = part.usage
        for choice in part.choices:
            assert usage is None
            texts[choice.index] += choice.text
            tokens[choice.index] += choice.logprobs.tokens
            ends[choice.index] = choice.finish_reason
    assert texts == [choice.text for choice in whole.choices]
    assert tokens == [choice.logprobs.tokens for choice in whole.choices]
    assert ends == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage


def test_a_stream_ends_in_done(server: SimpleNamespace) -> None:
    body = {"prompt": "a", "max_tokens": 3, "stream": True}
    with httpx.stream("POST", f"{server.url}/v1/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(json.loads(line.removeprefix("data: "))["object"] == "text_completion" for line in lines[:-1])


def test_the_same_seed_is_the_same_text_and_n_texts_differ(client) -> None:
    def texts(**settings) -> list[str]:
        answer = client.completions.create(model="small", prompt="Hello", max_tokens=10, **settings)
        return [choice.text for choice in answer.choices]

    first = texts(seed=7, n=3)
    assert first == texts(seed=7, n=3)
    assert len(set(first)) == 3
    assert texts(seed=7) == first[:1]
    assert texts(seed=-1) != first[:1]
    assert texts() != texts()


def test_stop_texts_end_it(client) -> None:
    whole = client.completions.create(model="small", prompt="Hello", max_tokens=30, temperature=0).choices[0].text
    stop = whole[20:25]
    for stream in (False, True):
        answer = client.completions.create(
            model="small", prompt="Hello", max_tokens=30, temperature=0, stop=[stop, "qqq"], stream=stream
        )
        parts = [part for chunk in answer for part in chunk.choices] if stream else answer.choices
        assert "".join(part.text for part in parts) == whole[: whole.index(stop)]
        assert parts[-1].finish_reason == "stop"


def test_further_settings_reach_the_choice(client) -> None:
    greedy = client.completions.create(model="small", prompt="Hello", max_tokens=10, temperature=0).choices[0].text
    for extra in ({"top_k": 1}, {"min_p": 1.0}):
        answer = client.completions.create(model="small", prompt="Hello", max_tokens=10, extra_body=extra)
        assert answer.choices[0].text == greedy
    biased = client.completions.create(
        model="small", prompt="Hello", max_tokens=3, temperature=0, logit_bias={"11": 100}
    )
    assert biased.choices[0].text == ",,,"
    few = {"11": 100, "13": 100, "0": 100}
    for penalty, used in ({}, 1), ({"frequency_penalty": 2}, 3), ({"presence_penalty": 2}, 2):
        answer = client.completions.create(
            model="small", prompt="Hello", max_tokens=30, temperature=0, logit_bias=few, **penalty
        )
        assert len(set(answer.choices[0].text)) >= used
    ended = client.completions.create(model="small", prompt="Hello", max_tokens=9, logit_bias={"50256": 100})
    assert (ended.choices[0].text, ended.choices[0].finish_reason) == ("", "stop")


def test_what_is_vllms_goes_through_openais_client(client) -> None:
    extra = {"ignore_eos": True, "min_tokens": 3, "repetition_penalty": 1.2, "stop_token_ids": []}
    options = {"include_usage": True, "continuous_usage_stats": True, "include_obfuscation": False}
    settings = {"model": "small", "prompt": "Hello", "max_tokens": 256, "temperature": 0, "extra_body": extra}
    whole = client.completions.create(**settings)
    assert (whole.usage.completion_tokens, whole.choices[0].finish_reason) == (64, "length")
    parts = list(client.completions.create(**settings, stream=True, stream_options=options))
    assert "".join(choice.text for part in parts for choice in part.choices) == whole.choices[0].text
    assert [part.usage.completion_tokens for part in parts][-2:] == [64, 64]


def test_errors_are_openais(client) -> None:
    import openai

    with pytest.raises(openai.BadRequestError, match="maximum context length is 64 tokens") as error:
        client.completions.create(model="small", prompt="a " * 100)
    assert error.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError, match="There is no model 'other'"):
        client.completions.create(model="other", prompt="a")
    assert [model.id for model in client.models.list()] == ["small"]


def test_a_thousand_requests_at_once(server: SimpleNamespace) -> None:
    """Each on a connection of its own, all open together: written out, since httpx's pool is slow with so many."""

    async def ask(n: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        settings = {"prompt": [n + 1], "max_tokens": 4, "temperature": 0, "logit_bias": NO_END}
        writer.write(http_request(json.dumps(settings).encode(), "Connection: close"))
        answer = await reader.read()
        writer.close()
        return answer

    async def load() -> list[bytes]:
        return await asyncio.wait_for(asyncio.gather(*(ask(n) for n in range(1000))), 60)

    for answer in asyncio.run(load()):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), answer
        assert json.loads(body)["usage"]["completion_tokens"] == 4
    state = httpx.get(f"{server.url}/health").json()
    assert state == {"status": "ok", "running": 0, "waiting": 0}


@pytest.fixture(scope="module")
def slow(serve, tmp_path_factory: pytest.TempPathFactory) -> "SimpleNamespace":
    """A server with one row, and a model that takes its time."""
    path = tmp_path_factory.mktemp("slow") / "model"
    save_huggingface(GPT(GPTConfig(n_ctx=1024, n_embd=192, n_head=3, n_layer=2)), path)
    with serve(path, "--api-only", "--rows", "1", "--queue", "1", "--max-body", "10000", "--api-key", "k") as served:
        yield served


AUTHORIZED = {"Authorization": "Bearer k"}
LONG = {"prompt": "a", "max_tokens": 1000, "logit_bias": NO_END}


def running(server: SimpleNamespace) -> tuple[int, int]:
    state = httpx.get(f"{server.url}/health").json()
    return state["running"], state["waiting"]


def wait_until(server: SimpleNamespace, state: tuple[int, int], seconds: float = 5) -> float:
    began = time.monotonic()
    while running(server) != state:
        assert time.monotonic() - began < seconds, running(server)
        time.sleep(0.01)
    return time.monotonic() - began


def hung_up(server: SimpleNamespace) -> int:
    """How many completions nobody waited for, as the server counts them."""
    start = 'nextword_requests_total{path="/v1/completions",status="499"} '
    lines = httpx.get(f"{server.url}/metrics", headers=AUTHORIZED).text.splitlines()
    return sum(int(line.removeprefix(start)) for line in lines if line.startswith(start))


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_frees_the_row_within_a_second(slow: SimpleNamespace, stream: bool) -> None:
    body = json.dumps(LONG | {"stream": stream}).encode()
    before = hung_up(slow)
    with socket.create_connection(("127.0.0.1", slow.port)) as connection:
        connection.sendall(http_request(body, "Authorization: Bearer k"))
        wait_until(slow, (1, 0))
        if stream:
            connection.recv(1000)
    assert wait_until(slow, (0, 0)) < 1
    assert hung_up(slow) == before + 1


def test_past_the_queue_one_is_told_when_to_come_back(slow: SimpleNamespace) -> None:
    async def crowd() -> list[httpx.Response]:
        async with httpx.AsyncClient(headers=AUTHORIZED, trust_env=False) as client:
            waiting = [
                asyncio.create_task(client.post(f"{slow.url}/v1/completions", json=LONG, timeout=2)) for _ in range(2)
            ]
            await asyncio.sleep(0.5)
            refused = await client.post(f"{slow.url}/v1/completions", json=LONG)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return [refused]

    [refused] = asyncio.run(crowd())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    wait_until(slow, (0, 0))


def test_a_key_and_limits_hold_on_the_wire(slow: SimpleNamespace) -> None:
    import openai

    assert httpx.post(f"{slow.url}/v1/completions", json=LONG).status_code == 401
    long = httpx.post(f"{slow.url}/v1/completions", json={"prompt": "a" * 20000}, headers=AUTHORIZED)
    assert long.status_code == 413
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{slow.url}/v1", api_key="wrong").models.list()
    rebound = httpx.get(f"{slow.url}/health", headers={"Host": "rebound.example"})
    assert rebound.status_code == 403


def test_the_page_and_what_it_asks_are_there_unless_left_out(serve, directory: Path, server: SimpleNamespace) -> None:
    with serve(directory) as served:
        assert "<title>nextword" in httpx.get(served.url).text
        assert httpx.get(f"{served.url}/api/model").json()["name"] == "small"
        assert len(httpx.post(f"{served.url}/api/next", json={"ids": [1, 2]}).content) == 4 * 50257
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(10) == 0
    assert httpx.get(server.url).status_code == httpx.get(f"{server.url}/api/model").status_code == 404


def test_sigterm_lets_what_has_begun_end(serve, directory: Path) -> None:
    with serve(directory, "--api-only", "--rows", "2") as served:
        with httpx.stream(
            "POST", f"{served.url}/v1/completions", json={"prompt": ["a"] * 20, "max_tokens": 60, "stream": True}
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            served.process.send_signal(signal.SIGTERM)
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert served.process.wait(10) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{served.url}/health")


def test_sigterm_waits_no_longer_than_it_may(serve, directory: Path) -> None:
    many = {"prompt": ["a"] * 100, "max_tokens": 60, "logit_bias": NO_END, "stream": True}
    with (
        serve(directory, "--api-only", "--rows", "1", "--drain-seconds", "0") as served,
        httpx.stream("POST", f"{served.url}/v1/completions", json=many) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(5) == 0
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)


def test_where_there_is_no_limit_to_raise_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from nextword.serve.server import allow_many_connections

    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows: to import it fails
    allow_many_connections()


def test_lm_eval_asks_and_is_answered(server: SimpleNamespace, small: GPT, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install 'lm-eval[api]'")
    completions = pytest.importorskip("lm_eval.models.openai_completions", reason="lm-eval lacks its extra: api")
    from lm_eval.api.instance import Instance

    save_tokenizer(tmp_path)
    model = completions.LocalCompletionsAPI(
        base_url=f"{server.url}/v1/completions", model="small", tokenizer=str(tmp_path), max_length=64, batch_size=2
    )
    greedy = TOKENIZER.decode([int(expected(small, TOKENIZER.encode("Hello"))[-1].argmax())])
    asked = [("Hello", greedy, True), ("The piano", " came down", False), ("One two", " three four five", False)]

    def instance(kind: str, *arguments: object) -> Instance:
        return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)

    answers = model.loglikelihood([instance("loglikelihood", *pair) for *pair, _ in asked], disable_tqdm=True)
    for (context, continuation, is_greedy), found in zip(asked, answers, strict=True):
        ids, more = TOKENIZER.encode(context), TOKENIZER.encode(continuation)
        table = expected(small, ids + more)
        right = sum(table[len(ids) - 1 + i, id].item() for i, id in enumerate(more))
        assert found == (pytest.approx(right, abs=1e-3), is_greedy)
    settings = {"until": ["zzz"], "max_gen_toks": 5, "temperature": 0}
    [written] = model.generate_until([instance("generate_until", "Hello", settings)], disable_tqdm=True)
    assert written.startswith(greedy)
