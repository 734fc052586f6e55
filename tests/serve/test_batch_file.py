"""Requests from a file: answered as the server answers, in parts, and gone on with after a kill."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from nextword.data.parts import Part
from nextword.decode import generate
from nextword.errors import DataError
from nextword.model import GPT, GPTConfig
from nextword.tokenizer import Tokenizer

pytest.importorskip("fastapi", reason="fastapi is not installed: pip install fastapi")

from nextword.decode.engines import engine_for
from nextword.serve.batch_file import answer_all, answered, read_requests
from nextword.serve.completions import Completions
from nextword.serve.scheduler import Scheduler

USUAL = {"max_tokens": 5, "temperature": 0.0, "seed": 3}
WHOLE = Part(1, 1)


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(0)
    return GPT(GPTConfig(n_ctx=32, n_embd=12, n_head=3, n_layer=2)).eval()


def answers(model: GPT, file: Path, out: Path, part: Part = WHOLE, **more: Any) -> int:
    scheduler = Scheduler(engine_for(model, 3))
    try:
        completions = Completions(scheduler, Tokenizer(), "small")
        return asyncio.run(answer_all(completions, read_requests(file, part, USUAL), out, 4, **more))
    finally:
        scheduler.close()


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"{n} goats"}) + "\n" for n in range(11)))
    return file


def test_prompts_are_continued_as_each_would_be_alone(model, prompts, tmp_path):
    out = tmp_path / "out.jsonl"
    assert answers(model, prompts, out) == 0
    found = {row["line"]: row for row in rows(out)}
    assert sorted(found) == list(range(11))
    for number, row in found.items():
        alone = generate(model, Tokenizer(), f"{number} goats", max_new_tokens=5, temperature=0.0)
        assert row["prompt"] + row["text"] == alone
        assert row["finish_reason"] == "length"


def test_a_batch_file_is_answered_in_openai_s_form(model, tmp_path):
    file, out = tmp_path / "batch.jsonl", tmp_path / "out.jsonl"
    bodies = [
        {"model": "gpt-3.5", "prompt": "Hi", "max_tokens": 2, "temperature": 0},
        {"prompt": "Hi", "max_tokens": -1},
    ]
    lines = [
        {"custom_id": f"r{n}", "method": "POST", "url": "/v1/completions", "body": body}
        for n, body in enumerate(bodies)
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert answers(model, file, out) == 1
    good, bad = sorted(rows(out), key=lambda row: row["custom_id"])
    assert good["response"]["status_code"] == 200
    assert good["response"]["body"]["object"] == "text_completion"
    assert good["response"]["body"]["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert bad["response"]["status_code"] == 400
    assert bad["response"]["body"]["error"]["param"] == "max_tokens"
    assert {row["error"] for row in (good, bad)} == {None}


def test_after_a_kill_no_line_is_lost_or_doubled(model, prompts, tmp_path):
    out = tmp_path / "out.jsonl"

    class Killed(Exception):
        pass

    def kill(done: int) -> None:
        if done >= 4:
            raise Killed

    with pytest.raises(Killed):
        answers(model, prompts, out, tell=kill)
    with out.open("a") as file:
        file.write('{"line": 9, "prom')  # which a kill cut off
    before = [json.loads(line) for line in out.read_text().splitlines()[:-1]]
    assert 4 <= len(before) < 11
    assert answers(model, prompts, out) == 0
    assert rows(out)[: len(before)] == before
    assert sorted(row["line"] for row in rows(out)) == list(range(11))


def test_parts_are_disjoint_and_complete(model, prompts, tmp_path):
    outs = [tmp_path / f"{n}.jsonl" for n in (1, 2, 3)]
    for number, out in enumerate(outs, 1):
        answers(model, prompts, out, Part(number, 3))
    found = [row for out in outs for row in rows(out)]
    assert sorted(row["line"] for row in found) == list(range(11))
    whole = tmp_path / "whole.jsonl"
    answers(model, prompts, whole)
    assert sorted(found, key=lambda row: row["line"]) == sorted(rows(whole), key=lambda row: row["line"])


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"prompt": "a"}\n{"prompt"\n', "line 2 is no JSON"),
        ('{"text": "a"}\n', 'line 1 has neither a "prompt", a text, nor a "custom_id"'),
        ('{"custom_id": "a", "url": "/v1/embeddings", "body": {}}\n', "line 1 has neither"),
        (
            '{"custom_id": "a", "url": "/v1/completions", "body": {}}\n' * 2,
            "line 2 has the custom_id 'a' of another line",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_told(tmp_path, text, message):
    file = tmp_path / "prompts.jsonl"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        list(read_requests(file, WHOLE, USUAL))


@pytest.mark.parametrize("text", ["To do\n", "To do", '{"name": 1}\n'])
def test_a_file_of_something_else_is_left_alone(tmp_path, text):
    out = tmp_path / "out.jsonl"
    out.write_text(text)
    with pytest.raises(DataError, match="holds something else than answers"):
        answered(out)
    assert out.read_text() == text
