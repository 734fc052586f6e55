"""What well-known clients send, in their own words, and what each of their parameters does."""

import json
from collections.abc import Iterator

import pytest
import torch

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

from fastapi.testclient import TestClient
from reference import theirs
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor

from nextword.decode.engines import engine_for
from nextword.model import GPT
from nextword.serve.app import create_app
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
EOT = TOKENIZER.eot_id
NO_END = {str(EOT): -100}
PROMPT = "The piano came down"


@pytest.fixture(scope="module")
def client(small: GPT) -> Iterator[TestClient]:
    with TestClient(create_app(Scheduler(engine_for(small, 4)), TOKENIZER, "small")) as client:
        yield client


@pytest.fixture(scope="module")
def strict(small: GPT) -> Iterator[TestClient]:
    with TestClient(create_app(Scheduler(engine_for(small, 1)), TOKENIZER, "small", strict=True)) as client:
        yield client


def choice(client: TestClient, **asked: object) -> dict:
    answer = client.post("/v1/completions", json={"prompt": PROMPT, "temperature": 0, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]


RECORDED = {
    "vllm bench serve": {
        "model": "small",
        "prompt": PROMPT,
        "repetition_penalty": 1.0,
        "max_tokens": 12,
        "logprobs": None,
        "stream": True,
        "stream_options": {"include_usage": True},
        "ignore_eos": True,
    },
    "vllm bench serve, greedy": {
        "model": "small",
        "prompt": PROMPT,
        "repetition_penalty": 1.0,
        "max_tokens": 12,
        "logprobs": None,
        "stream": True,
        "stream_options": {"include_usage": True},
        "top_p": 1.0,
        "top_k": 1,
        "min_p": 0.0,
        "temperature": 0.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
    },
    "sglang.bench_serving": {
        "model": "small",
        "prompt": PROMPT,
        "temperature": 0.0,
        "best_of": 1,
        "max_tokens": 12,
        "stream": True,
        "ignore_eos": True,
    },
    "guidellm": {
        "model": "small",
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
        "max_tokens": 12,
        "stop": None,
        "ignore_eos": True,
        "prompt": PROMPT,
    },
    "guidellm 0.3": {
        "prompt": PROMPT,
        "model": "small",
        "max_tokens": 12,
        "max_completion_tokens": 12,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "LangChain": {
        "model": "small",
        "prompt": [PROMPT],
        "temperature": 0.7,
        "top_p": 1,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "n": 1,
        "logit_bias": None,
        "seed": None,
        "logprobs": None,
        "max_tokens": 256,
    },
    "llm": {"model": "small", "prompt": PROMPT, "stream": True, "max_tokens": 256},
    "lm-eval": {
        "model": "small",
        "prompt": [TOKENIZER.encode(PROMPT)],
        "temperature": 0,
        "max_tokens": 1,
        "logprobs": 1,
        "seed": 1234,
        "echo": True,
    },
    "OpenAI's, all of it": {
        "model": "small",
        "prompt": PROMPT,
        "best_of": 1,
        "echo": False,
        "frequency_penalty": 0,
        "logit_bias": {},
        "logprobs": 0,
        "max_tokens": 12,
        "n": 1,
        "presence_penalty": 0,
        "seed": 1,
        "stop": "",
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "suffix": "",
        "temperature": 1,
        "top_p": 1,
        "user": "somebody",
    },
    "vLLM's, all that changes nothing": {
        "prompt": PROMPT,
        "max_tokens": 12,
        "stop": [],
        "top_k": 0,
        "min_p": 0,
        "use_beam_search": False,
        "length_penalty": 1,
        "stop_token_ids": [],
        "include_stop_str_in_output": False,
        "min_tokens": 0,
        "skip_special_tokens": True,
        "spaces_between_special_tokens": True,
        "truncate_prompt_tokens": None,
        "allowed_token_ids": None,
        "prompt_logprobs": None,
        "prompt_embeds": None,
        "add_special_tokens": True,
        "response_format": {"type": "text"},
        "structured_outputs": None,
        "priority": 0,
        "request_id": "mine",
        "logits_processors": [],
        "return_tokens_as_token_ids": False,
        "return_token_ids": False,
        "cache_salt": "salt",
        "kv_transfer_params": None,
        "vllm_xargs": {},
    },
}
"""As their sources make them: vllm/benchmarks/lib/endpoint_request_func.py, sglang/bench_serving.py,
guidellm/backends/openai/request_handlers.py, langchain_openai/llms/base.py, llm/default_plugins/openai_models.py,
lm_eval/models/openai_completions.py, openai/types/completion_create_params.py, vllm's CompletionRequest."""


@pytest.mark.parametrize("name", RECORDED)
def test_what_clients_send_is_answered(client: TestClient, name: str) -> None:
    asked = RECORDED[name]
    answer = client.post("/v1/completions", json=asked)
    assert answer.status_code == 200, answer.text
    if not asked.get("stream"):
        assert answer.json()["choices"][0]["finish_reason"] in ("stop", "length")
        return
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    last = [event["choices"][0] for event in events if event["choices"]][-1]
    assert last["finish_reason"] == "length" or not asked.get("ignore_eos")
    if asked.get("stream_options"):
        assert events[-1]["choices"] == []
        assert events[-1]["usage"]["completion_tokens"] <= 12
        assert events[-1]["usage"]["completion_tokens"] == 12 or not asked.get("ignore_eos")


def test_usage_comes_with_every_event_where_it_is_wanted(client: TestClient) -> None:
    asked = {"prompt": [PROMPT, "a"], "max_tokens": 5, "ignore_eos": True, "stream": True}
    options = {"include_usage": True, "continuous_usage_stats": True}
    answer = client.post("/v1/completions", json=asked | {"stream_options": options})
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    counts: list[list[tuple[int, int]]] = [[], []]
    for event in events[:-1]:
        usage = event["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        counts[event["choices"][0]["index"]].append((usage["prompt_tokens"], usage["completion_tokens"]))
    for told, n_read in zip(counts, (len(TOKENIZER.encode(PROMPT)), 1), strict=True):
        assert {read for read, _ in told} == {n_read}
        assert [written for _, written in told] == sorted(written for _, written in told)
        assert told[-1][1] == 5
    assert events[-1]["usage"]["completion_tokens"] == 10


def test_max_tokens_end_where_the_room_does(client: TestClient, strict: TestClient) -> None:
    ids = list(range(50))
    asked = {"prompt": ids, "max_tokens": 256, "ignore_eos": True}
    answer = client.post("/v1/completions", json=asked).json()
    assert answer["usage"]["completion_tokens"] == 64 + 1 - 50
    assert answer["choices"][0]["finish_reason"] == "length"
    refused = strict.post("/v1/completions", json={"prompt": ids, "max_tokens": 256})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "context_length_exceeded"
    assert "has 50, and max_tokens asks for 256 more" in refused.json()["error"]["message"]


@pytest.mark.parametrize(("limits", "n"), [((None, 3), 3), ((5, 3), 3), ((3, 5), 3), ((3, None), 3), ((None, 20), 20)])
def test_both_names_of_the_limit_hold(client: TestClient, limits: tuple[int | None, int | None], n: int) -> None:
    asked = dict(zip(("max_tokens", "max_completion_tokens"), limits, strict=True))
    answer = client.post("/v1/completions", json={"prompt": PROMPT, "ignore_eos": True, **asked})
    assert answer.json()["usage"]["completion_tokens"] == n


def test_the_end_of_text_can_be_ignored(client: TestClient) -> None:
    ending = {"logit_bias": {str(EOT): 100}, "max_tokens": 3, "logprobs": 0}
    ended = choice(client, **ending)
    assert (ended["text"], ended["finish_reason"]) == ("", "stop")
    ignored = choice(client, **ending, ignore_eos=True)
    assert (ignored["text"], ignored["finish_reason"]) == ("", "length")
    assert ignored["logprobs"]["tokens"] == ["<|endoftext|>"] * 3
    shown = choice(client, **ending, ignore_eos=True, skip_special_tokens=False)
    assert shown["text"] == "<|endoftext|>" * 3


def test_some_tokens_come_before_the_end(client: TestClient) -> None:
    ending = {"logit_bias": {str(EOT): 100, "11": 50}, "max_tokens": 9}
    ended = choice(client, **ending, min_tokens=4)
    assert (ended["text"], ended["finish_reason"]) == (",,,,", "stop")
    comma = {"logit_bias": {"11": 100}, "max_tokens": 9, "stop": ",,"}
    assert choice(client, **comma)["text"] == ""
    assert choice(client, **comma, min_tokens=4)["text"] == ",,,"  # the stop text that ends in the fifth token
    other = {"logit_bias": {"11": 100, "13": 50}, "max_tokens": 9, "stop_token_ids": [11]}
    assert (choice(client, **other)["text"], choice(client, **other)["finish_reason"]) == ("", "stop")
    assert choice(client, **other, min_tokens=2)["text"] == ".."


def test_stop_tokens_end_it_and_are_no_part_of_it(client: TestClient) -> None:
    whole = choice(client, max_tokens=12, logprobs=0, logit_bias=NO_END)
    ids = [TOKENIZER.encode(token)[0] for token in whole["logprobs"]["tokens"] if not token.startswith("bytes")]
    new = next(n for n in range(3, len(ids)) if ids[n] not in ids[:n])
    ended = choice(client, max_tokens=12, logprobs=0, logit_bias=NO_END, stop_token_ids=[ids[new]])
    assert ended["finish_reason"] == "stop"
    assert whole["text"].startswith(ended["text"])
    assert ended["logprobs"]["tokens"] == whole["logprobs"]["tokens"][: len(ended["logprobs"]["tokens"])]


def test_only_allowed_tokens_are_written(client: TestClient) -> None:
    words = TOKENIZER.encode(" the of and")
    for temperature in (0, 1):
        found = choice(client, max_tokens=30, temperature=temperature, allowed_token_ids=words, seed=1)
        assert {*TOKENIZER.encode(found["text"])} <= {*words}
        assert found["finish_reason"] == "length"


@pytest.mark.parametrize("penalty", [1.3, 0.8, 10.0])
def test_the_repetition_penalty_is_transformers_own(client: TestClient, small: GPT, penalty: float) -> None:
    ids = TOKENIZER.encode(PROMPT)
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(penalty)])
    right = theirs(small).generate(
        torch.tensor([ids]), max_new_tokens=20, do_sample=False, pad_token_id=EOT, logits_processor=processors
    )
    found = choice(client, max_tokens=20, repetition_penalty=penalty)
    assert found["text"] == TOKENIZER.decode([id for id in right[0, len(ids) :].tolist() if id != EOT])
    assert penalty == 0.8 or found["text"] != choice(client, max_tokens=20)["text"]


@pytest.mark.parametrize(("keep", "n"), [(3, 3), (64, 64), (-1, 64)])
def test_a_long_prompt_keeps_its_end(client: TestClient, keep: int, n: int) -> None:
    ids = [1000 + k for k in range(100)]
    for prompt in (ids, TOKENIZER.decode(ids)):
        given = ids if prompt is ids else TOKENIZER.encode(prompt)
        asked = {"prompt": prompt, "truncate_prompt_tokens": keep, "max_tokens": 1, "temperature": 0}
        answer = client.post("/v1/completions", json=asked | {"echo": True}).json()
        assert answer["usage"]["prompt_tokens"] == n
        assert answer["choices"][0]["text"].startswith(TOKENIZER.decode(given[-n:]))
        same = {"prompt": given[-n:], "max_tokens": 1, "temperature": 0, "echo": True}
        assert client.post("/v1/completions", json=same).json()["choices"][0]["text"] == answer["choices"][0]["text"]
    short = client.post("/v1/completions", json={"prompt": [1, 2], "truncate_prompt_tokens": 9, "max_tokens": 1})
    assert short.json()["usage"]["prompt_tokens"] == 2


def test_a_request_keeps_its_name(client: TestClient) -> None:
    assert client.post("/v1/completions", json={"request_id": "mine", "max_tokens": 1}).json()["id"] == "cmpl-mine"


@pytest.mark.parametrize("stop", ["", [], [""]])
def test_an_empty_stop_text_ends_nothing(client: TestClient, strict: TestClient, stop: object) -> None:
    assert choice(client, max_tokens=9, stop=stop) == choice(client, max_tokens=9)
    answer = strict.post("/v1/completions", json={"prompt": PROMPT, "stop": stop})
    assert answer.status_code == (200 if stop == [] else 400)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"ignore_eos": False}, "ignore_eos"),
        ({"repetition_penalty": 1.0}, "repetition_penalty"),
        (
            {"stream": True, "stream_options": {"continuous_usage_stats": False}},
            "stream_options.continuous_usage_stats",
        ),
    ],
)
def test_strictly_only_openais_parameters_are_taken(strict: TestClient, more: dict, place: str) -> None:
    answer = strict.post("/v1/completions", json={"prompt": "a", **more})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"]) == (place, "unknown_parameter")
    assert strict.post("/v1/completions", json={"prompt": "a", "max_tokens": 1}).status_code == 200


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\n"])
def test_a_stream_has_its_lines_where_it_says_so(client: TestClient, character: str) -> None:
    """Clients read by lines, and some of them take these characters for a line's end, as str.splitlines does."""
    asked = {"prompt": f"Hello{character}there", "max_tokens": 0, "stream": True, "echo": True}
    text = client.post("/v1/completions", json=asked).text
    assert text.splitlines() == text.split("\n")[:-1]
    [event] = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert event["choices"][0]["text"] == asked["prompt"]
