"""The endpoints, within this process: what is answered, and what is refused."""

import asyncio
import copy
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

import httpx
import numpy as np
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from starlette.types import Message

from nextword.decode import generate
from nextword.decode.engines import engine_for
from nextword.model import GPT
from nextword.serve import request_parser
from nextword.serve.app import create_app
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def scheduler(small: GPT) -> Scheduler:
    return Scheduler(engine_for(small, 4), max_waiting=8)


@pytest.fixture(scope="module")
def client(scheduler: Scheduler) -> Iterator[TestClient]:
    with TestClient(create_app(scheduler, Tokenizer(), "small")) as client:
        yield client
    assert not scheduler.is_alive


@pytest.mark.parametrize(
    ("settings", "as_asked"),
    [
        ({"min_p": 0.3}, {}),
        ({"repetition_penalty": 1.7}, {}),
        ({"presence_penalty": 1.5, "frequency_penalty": 0.5}, {}),
        ({"logit_bias": {262: 9.0}}, {"logit_bias": {"262": 9.0}}),
        ({"allowed_ids": [262, 290, 11, 13]}, {"allowed_token_ids": [262, 290, 11, 13]}),
    ],
    ids=lambda one: ",".join(one),
)
def test_each_sampling_setting_does_what_it_does_in_python(
    client: TestClient, small: GPT, settings: dict, as_asked: dict
) -> None:
    common = {"temperature": 1.3, "seed": 5}
    prompt, plainly = "One day", {"max_new_tokens": 20, "top_k": None, **common}
    body = {"prompt": prompt, "max_tokens": 20, **common, **(as_asked or settings)}
    written = generate(small, Tokenizer(), prompt, **plainly, **settings)
    assert client.post("/v1/completions", json=body).json()["choices"][0]["text"] == written.removeprefix(prompt)
    assert written != generate(small, Tokenizer(), prompt, **plainly)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"prompt": "a", "max_tokens": "9"}, "max_tokens: Input should be a valid integer", "max_tokens"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0", "max_tokens"),
        ({"prompt": {"a": 1}}, "give a text, a list of texts", "prompt"),
        ({"prompt": []}, "an empty list holds no prompt", "prompt"),
        ({"prompt": [50257]}, "prompt[0]: id 50257 is outside the vocabulary, 0 to 50256", "prompt[0]"),
        ({"prompt": [[1], [2, 50257]]}, "prompt[1][1]: id 50257 is outside the vocabulary", "prompt[1][1]"),
        ({"prompt": [-1]}, "prompt[0]: give a text, a list of texts", "prompt[0]"),
        ({"prompt": ["a", "b", 3]}, "prompt[2]: Input should be a valid string", "prompt[2]"),
        ({"prompt": [1, 2, "a"]}, "prompt[2]: Input should be a valid integer", "prompt[2]"),
        ({"prompt": [[1], [2, 2.5]]}, "prompt[1][1]: Input should be a valid integer", "prompt[1][1]"),
        ({"prompt": [1] * 65}, "maximum context length is 64 tokens: the prompt has 65", "prompt"),
        ({"prompt": "a", "best_of": 3}, "does not write more texts than it gives back", "best_of"),
        ({"prompt": "a", "suffix": "b"}, "cannot fill in before a suffix", "suffix"),
        ({"prompt": "a", "chat": 1}, "There is no parameter 'chat'", "chat"),
        ({"prompt": "a", "logit_bias": {"50257": 1}}, "'50257' is no id", "logit_bias"),
        ({"prompt": "a", "logit_bias": {"1": 101}}, "logit_bias.1: Input should be less than", "logit_bias.1"),
        ({"prompt": "a", "stop": 3}, "stop: give a text or a list of at most 16, each of 1 to 1,000", "stop"),
        ({"prompt": "a", "stop": ["b", "c", "d", 3]}, "stop[3]: Input should be a valid string", "stop[3]"),
        ({"prompt": "a", "stop": ["b", "a" * 1001]}, "stop[1]: String should have at most 1000", "stop[1]"),
        ({"prompt": "a", "stop": ["b"] * 17}, "stop: give a text or a list of at most 16", "stop"),
        ({"prompt": "a", "n": 13}, "13 texts are too many for one request: ask for 12 at most", "n"),
        ({"prompt": ["a"] * 13}, "13 texts are too many for one request: ask for 12 at most", "prompt"),
        ({"prompt": ["a"] * 7, "n": 2}, "14 texts are too many for one request: ask for 12 at most", "n"),
        ({"prompt": ["a", "a " * 65]}, "maximum context length is 64 tokens: the prompt has 66", "prompt[1]"),
        ({"prompt": "a", "stream_options": 1}, "stream_options: Input should be", "stream_options"),
        ({"prompt": "a", "top_p": 0}, "greater than 0", "top_p"),
        ({"prompt": "a", "logprobs": 21}, "less than or equal to 20", "logprobs"),
        (
            {"prompt": "a", "stream_options": {"include_usage": True}},
            "stream_options: only streams have them",
            "stream_options",
        ),
        (
            {"prompt": "a", "stream": True, "stream_options": {"include_x": True}},
            "There is no parameter 'stream_options.include_x' here",
            "stream_options.include_x",
        ),
        (
            {"prompt": "a", "stream": True, "stream_options": {"include_usage": 1}},
            "stream_options.include_usage: Input should be a valid boolean",
            "stream_options.include_usage",
        ),
        ({"prompt": "a", "use_beam_search": True}, "this server takes only false here", "use_beam_search"),
        ({"prompt": "a", "bad_words": ["b"]}, "this server takes only an empty value here", "bad_words"),
        ({"prompt": "a", "response_format": {"type": "json_object"}}, "takes only 'text' here", "response_format.type"),
        ({"prompt": "a", "allowed_token_ids": []}, "at least 1 item", "allowed_token_ids"),
        ({"prompt": "a", "allowed_token_ids": [3, 50257]}, "id 50257 is outside", "allowed_token_ids[1]"),
        ({"prompt": "a", "stop_token_ids": [50257]}, "id 50257 is outside", "stop_token_ids[0]"),
        ({"prompt": "a", "allowed_token_ids": [50256], "min_tokens": 1}, "each of them ends", "allowed_token_ids"),
        ({"prompt": "a", "min_tokens": 17}, "17 are more than the 16 that may be written", "min_tokens"),
        ({"prompt": "a", "repetition_penalty": 0}, "greater than or equal to 0.01", "repetition_penalty"),
        ({"prompt": "a " * 65, "truncate_prompt_tokens": 65}, "the prompt has 65", "prompt"),
    ],
)
def test_what_cannot_be_had_is_refused_in_openais_form(client: TestClient, body, message, param) -> None:
    answer = client.post("/v1/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert message in error["message"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"prompt": "a', "The body is not JSON: Unterminated string starting at, at line 1, column 12."),
        (b'{\n "prompt": "a"\n "n": 1}', "The body is not JSON: Expecting ',' delimiter, at line 3, column 2."),
        (b'{"n": \xff}', "The body cannot be read as JSON: byte 6 (0xff) is not UTF-8."),
        (b"[" * 100_000, "The body cannot be read as JSON: lists or objects are nested too deeply."),
        (b"1" * 5000, "The body cannot be read as JSON: Exceeds the limit (4300 digits) for integer string conversion"),
        (b"[]", "The body must be a JSON object, sent as application/json: it is a list."),
        (b'"a"', "The body must be a JSON object, sent as application/json: it is a text."),
        (b"", "The body must be a JSON object, sent as application/json: it is nothing."),
        (b'{"\\ud800": 1}', "Input should be a valid string"),
        (b'{"temperature": NaN}', "temperature: Input should be a finite number"),
    ],
)
def test_bodies_that_are_no_requests_are_refused(client: TestClient, body: bytes, message: str) -> None:
    answer = client.post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"].startswith(message)


def test_a_body_of_another_type_is_told_which_it_is_of(client: TestClient) -> None:
    """As curl -d sends it."""
    answer = client.post(
        "/v1/completions", content=b"{}", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "it came as 'application/x-www-form-urlencoded'" in message
    assert "-H 'Content-Type: application/json'" in message
    assert "it came without a Content-Type" in client.post("/v1/completions", content=b"{}").text


def test_half_a_character_is_the_sign_for_an_unknown_one(client: TestClient) -> None:
    body = b'{"prompt": "a\\ud83dz", "echo": true, "max_tokens": 0}'
    answer = client.post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["choices"][0]["text"] == "a\ufffdz"


def test_what_is_refused_is_not_tokenized_before(scheduler: Scheduler) -> None:
    class Untouched(Tokenizer):
        def encode(self, text: str, allow_special: bool = False) -> list[int]:
            raise AssertionError(text)

    app = create_app(scheduler, Untouched(), "small")
    client = TestClient(app)  # whose scheduler goes on
    for wrong in ({"model": "gpt-4"}, {"best_of": 2}, {"suffix": "b"}, {"n": 13}, {"logit_bias": {"a": 1}}):
        assert client.post("/v1/completions", json={"prompt": ["a"], **wrong}).status_code in (400, 404), wrong
    assert client.post("/v1/completions", json={"prompt": ["a"] * 13}).status_code == 400
    assert client.post("/v1/completions", json={"prompt": "a"}).status_code == 500


@pytest.mark.parametrize(("length", "elsewhere"), [(19, False), (21, True)])
def test_many_prompts_are_read_in_another_thread_however_short_each_is(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, length: int, elsewhere: bool
) -> None:
    monkeypatch.setattr(request_parser, "LONG_TEXT", 200)
    threads: list[str] = []

    class Noting(Tokenizer):
        def encode(self, text: str, allow_special: bool = False) -> list[int]:
            threads.append(threading.current_thread().name)
            return super().encode(text, allow_special)

    client = TestClient(create_app(scheduler, Noting(), "small"))
    settings = {"prompt": ["a" * length] * 10, "max_tokens": 2, "temperature": 0}
    answer = client.post("/v1/completions", json=settings).json()
    assert [choice["index"] for choice in answer["choices"]] == list(range(10))
    assert len({choice["text"] for choice in answer["choices"]}) == 1
    assert [name.startswith("asyncio_") for name in threads] == [elsewhere] * 10


def test_a_character_that_the_prompt_begins_is_ended_by_the_text(client: TestClient) -> None:
    [first, second] = Tokenizer().encode("🙂")
    settings = {"prompt": [64, first], "max_tokens": 1, "temperature": 0, "logit_bias": {str(second): 100}}

    def choice(**more: object) -> dict:
        return client.post("/v1/completions", json={**settings, **more}).json()["choices"][0]

    assert choice()["text"] == "🙂"
    echoed = choice(echo=True, logprobs=0)
    assert echoed["text"] == "a🙂"
    assert echoed["logprobs"]["text_offset"] == [0, 1, 1]
    assert choice(echo=True, max_tokens=0)["text"] == "a\ufffd"
    assert choice(echo=True, logit_bias={"64": 100})["text"] == "a\ufffda"
    streamed = client.post("/v1/completions", json={**settings, "echo": True, "stream": True}).text
    events = [json.loads(line[6:]) for line in streamed.splitlines() if line.startswith("data: {")]
    assert "".join(event["choices"][0]["text"] for event in events) == "a🙂"


def test_the_lists_of_an_empty_prompt_tell_of_the_text_alone(client: TestClient) -> None:
    settings = {"max_tokens": 3, "logprobs": 1, "echo": True, "logit_bias": {"11": 100}, "temperature": 0}
    for prompt in ("", [[]]):
        choice = client.post("/v1/completions", json={"prompt": prompt, **settings}).json()["choices"][0]
        assert choice["text"] == "".join(choice["logprobs"]["tokens"]) == ",,,"
        assert choice["logprobs"]["text_offset"] == [0, 1, 2]
        assert all(value < 0 for value in choice["logprobs"]["token_logprobs"])
    choice = client.post("/v1/completions", json={"prompt": "<|endoftext|>", **settings}).json()["choices"][0]
    assert choice["text"] == "".join(choice["logprobs"]["tokens"]) == "<|endoftext|>,,,"


def test_another_model_is_not_found(client: TestClient) -> None:
    answer = client.post("/v1/completions", json={"model": "gpt-4", "prompt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert client.get("/v1/models/gpt-4").status_code == 404
    assert client.get("/v1/models/small").json()["max_model_len"] == 64
    [model] = client.get("/v1/models").json()["data"]
    assert model["id"] == "small"
    assert time.time() - 3600 < model["created"] <= time.time()


def test_unknown_places_and_methods(client: TestClient) -> None:
    assert client.get("/nothing").json()["error"]["message"] == "There is nothing at /nothing."
    assert client.get("/v1/completions").status_code == 405
    chat = client.post("/v1/chat/completions", json={"messages": []})
    assert chat.status_code == 404
    assert "not a chat model: /v1/completions goes on from a prompt" in chat.json()["error"]["message"]
    assert client.get("/docs").status_code == 404  # it would load its scripts from elsewhere


def test_the_api_is_documented_as_it_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert set(method["responses"]) == {"200", "4XX", "5XX"}, path
            for status in ("4XX", "5XX"):
                assert set(method["responses"][status]["content"]) == {"application/json"}, path
    assert set(document["paths"]["/v1/completions"]["post"]["responses"]["200"]["content"]) == {
        "application/json",
        "text/event-stream",
    }


def test_text_to_ids_and_back(client: TestClient) -> None:
    tokens = client.post("/tokenize", json={"text": "Hi 🙂 <|endoftext|>"}).json()["tokens"]
    assert b"".join(bytes.fromhex(token["bytes"]) for token in tokens).decode() == "Hi 🙂 <|endoftext|>"
    assert tokens[0] == {"id": 17250, "text": "Hi", "bytes": "4869"}
    ids = [token["id"] for token in tokens]
    assert client.post("/detokenize", json={"ids": ids}).json() == {"text": "Hi 🙂 <|endoftext|>"}
    special = client.post("/tokenize", json={"text": "<|endoftext|>", "allow_special": True}).json()["tokens"]
    assert [token["id"] for token in special] == [50256]
    assert client.post("/detokenize", json={"ids": [50257]}).status_code == 400
    for path, body in (("tokenize", {"text": "a" * 100_001}), ("detokenize", {"ids": [1] * 100_001})):
        long = client.post(f"/{path}", json=body)
        assert long.status_code == 400
        assert "at most 100000" in long.json()["error"]["message"]


def test_long_texts_keep_nobody_waiting(scheduler: Scheduler) -> None:
    """Each character is a token of its own, and the event loop does none of the work."""
    text = "".join(chr(0x4E00 + n % 20_000) for n in range(100_000))

    async def ask() -> tuple[int, float, float]:
        transport = httpx.ASGITransport(app=create_app(scheduler, Tokenizer(), "small"))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            asked = asyncio.create_task(client.post("/tokenize", json={"text": text}))
            began = before = time.monotonic()
            longest = 0.0
            while not asked.done():
                await asyncio.sleep(0.001)
                longest, before = max(longest, time.monotonic() - before), time.monotonic()
            return len((await asked).json()["tokens"]), longest, before - began

    n_tokens, longest, whole = asyncio.run(ask())
    assert n_tokens > 200_000
    assert longest < whole / 2  # whoever else asks waits for a part of it only


def test_headers_are_safe(client: TestClient) -> None:
    for path in ("/health", "/nothing", "/v1/models"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert not [name for name in headers if name.startswith("access-control")]


def test_other_sites_pages_may_not_ask(client: TestClient) -> None:
    for origin in ("https://elsewhere.example", "http://[", "null", "http://testserver.example", ""):
        refused = client.get("/health", headers={"Origin": origin})
        assert refused.status_code == 403
        assert "may not ask here" in refused.json()["error"]["message"]
        assert refused.headers["x-frame-options"] == "DENY"
    for origin in ("http://testserver", "https://testserver"):
        assert client.get("/health", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("host", ["[", "[::1", "::1", "a b", "a/b", "a:b", "a@b"])
def test_a_host_that_is_none_is_refused(client: TestClient, host: str) -> None:
    refused = client.get("/nothing", headers={"Host": host})
    assert refused.status_code == 400
    assert "The Host header is no name or address" in refused.json()["error"]["message"]
    assert refused.headers["x-frame-options"] == "DENY"
    assert refused.headers["connection"] == "close"


def counted(client: TestClient, path: str, status: int) -> int:
    start = f'nextword_requests_total{{path="{path}",status="{status}"}} '
    lines = client.get("/metrics").text.splitlines()
    return sum(int(line.removeprefix(start)) for line in lines if line.startswith(start))


def test_a_failure_is_answered_safely_counted_and_written_down(
    scheduler: Scheduler, client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(jobs: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(scheduler, "submit", fail)
    before = counted(client, "/v1/completions", 500)
    failed = client.post("/v1/completions", json={"prompt": "a"})
    assert failed.status_code == 500
    assert failed.json()["error"] == {
        "message": "Something went wrong in the server; its log says what.",
        "type": "server_error",
        "param": None,
        "code": None,
    }
    assert failed.headers["x-frame-options"] == "DENY"
    assert counted(client, "/v1/completions", 500) == before + 1
    assert "POST '/v1/completions' failed." in caplog.text
    assert "ZeroDivisionError: secret" in caplog.text


def test_an_answer_that_breaks_off_is_a_failure_and_one_that_nobody_reads_is_none(scheduler: Scheduler) -> None:
    router = APIRouter()

    async def parts(error: BaseException | None) -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        if error is not None:
            raise error
        await asyncio.sleep(60)

    router.get("/breaks")(lambda: StreamingResponse(parts(ZeroDivisionError())))
    router.get("/left")(lambda: StreamingResponse(parts(None)))
    app = create_app(scheduler, Tokenizer(), "small", routers=[router])
    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"testserver")], "query_string": b""}
    scope |= {"http_version": "1.1", "scheme": "http", "server": ("testserver", 80), "asgi": {"spec_version": "2.3"}}

    async def ask(path: str) -> None:
        has_begun, messages = asyncio.Event(), iter([{"type": "http.request", "body": b""}])

        async def receive() -> Message:
            if message := next(messages, None):
                return message
            if path == "/breaks":
                await asyncio.sleep(60)
            await has_begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                has_begun.set()

        await asyncio.wait_for(app({**scope, "path": path, "raw_path": path.encode()}, receive, send), 5)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(ask("/breaks"))
    asyncio.run(ask("/left"))
    client = TestClient(app)
    assert counted(client, "/breaks", 500) == counted(client, "/left", 499) == 1


def test_metrics_count(client: TestClient) -> None:
    def value(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    before = value("nextword_written_tokens_total"), value("nextword_prompt_tokens_total")
    body = {"prompt": [1, 2, 3], "max_tokens": 7, "logit_bias": {"50256": -100}}
    assert client.post("/v1/completions", json=body).status_code == 200
    assert value("nextword_written_tokens_total") - before[0] == 7
    assert value("nextword_prompt_tokens_total") - before[1] == 3
    assert value('nextword_requests_total{path="/v1/completions",status="200"}') >= 1
    assert value("nextword_next_token_seconds_count") >= 6
    text = client.get("/metrics").text
    assert all(line.startswith(("# HELP nextword_", "# TYPE nextword_", "nextword_")) for line in text.splitlines())


def test_the_page_is_served_from_its_files_and_nothing_else(small: GPT, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "main.js").write_text("1;")
    scheduler = Scheduler(engine_for(small))
    with TestClient(create_app(scheduler, Tokenizer(), "small", page=page)) as client:
        assert "<title>page" in client.get("/").text
        assert client.get("/main.js").headers["content-type"].startswith("text/javascript")
        assert client.get("/../secret.txt").status_code == 404
        assert client.get("/%2e%2e/secret.txt").status_code == 404


def test_with_a_key_only_who_has_it_may_ask(small: GPT, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    app = create_app(Scheduler(engine_for(small)), Tokenizer(), "small", api_key="sésame\n", page=tmp_path)
    with TestClient(app) as client:
        for path in ("/v1/models", "/metrics", "/openapi.json", "/api/anything", "/new", "/tokens.js", "/health/x"):
            refused = client.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert refused.json()["error"]["code"] == "invalid_api_key"
            assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
            right = {"Authorization": "Bearer sésame".encode()}
            there = path in ("/v1/models", "/metrics", "/openapi.json")
            assert client.get(path, headers=right).status_code == (200 if there else 404)
            assert client.options(path).status_code == 401
        for path in ("/", "/index.html", "/health"):
            assert client.get(path).status_code == 200


def test_an_empty_key_is_not_taken_for_one(scheduler: Scheduler) -> None:
    with pytest.raises(ValueError, match="The API key is empty"):
        TestClient(create_app(scheduler, Tokenizer(), "small", api_key=" \n")).get("/health")


def test_only_its_own_names_are_answered(small: GPT) -> None:
    app = create_app(Scheduler(engine_for(small)), Tokenizer(), "small", hosts=["localhost", "::1"])
    with TestClient(app) as client:
        assert client.get("/health", headers={"Host": "localhost:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "[::1]:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "rebound.example:8000"}).status_code == 403


def test_sites_that_were_let_in_may_ask(scheduler: Scheduler) -> None:
    friend = {"Origin": "https://friend.example"}
    app = create_app(
        scheduler, Tokenizer(), "small", origins=[friend["Origin"]], hosts=["testserver"], api_key="k", max_body=100
    )
    client = TestClient(app)
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = client.options("/v1/completions", headers=friend | preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == friend["Origin"]
    assert answer.headers["access-control-allow-headers"] == "authorization"
    key = {"Authorization": "Bearer k"}
    for status, headers, body in (
        (200, key, {"prompt": "a", "max_tokens": 1}),
        (400, key, {"chat": 1}),
        (401, {}, {}),
        (403, key | {"Host": "rebound.example"}, {}),
        (413, key, {"prompt": "a" * 100}),
    ):
        answer = client.post("/v1/completions", headers=friend | headers, json=body)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == friend["Origin"]
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
    other = client.get("/health", headers={"Origin": "https://other.example"})
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers


def test_a_body_has_its_limits(small: GPT) -> None:
    with TestClient(create_app(Scheduler(engine_for(small)), Tokenizer(), "small", max_body=100)) as client:
        long = b'{"prompt": "' + b"a" * 100 + b'"}'
        json = {"Content-Type": "application/json"}
        assert client.post("/v1/completions", content=long, headers=json).status_code == 413
        assert client.post("/v1/completions", content=iter([long]), headers=json).status_code == 413
        assert client.post("/v1/completions", json={"prompt": "a"}).status_code == 200


@pytest.mark.parametrize("more", [{}, {"logprobs": 1}, {"logprobs": 1, "echo": True, "max_tokens": 0}, {"n": 3}])
@pytest.mark.parametrize("number", ["NaN", "infinity"])
def test_what_is_no_number_is_an_error_and_no_text(small: GPT, more: dict, number: str) -> None:
    broken = copy.deepcopy(small)
    broken.ln_f.bias.data[3] = float(number)
    with TestClient(create_app(Scheduler(engine_for(broken, 4)), Tokenizer(), "small")) as client:
        for temperature in (0, 1):
            asked = {"prompt": "Hello there", "temperature": temperature, **more}
            answer = client.post("/v1/completions", json=asked)
            assert answer.status_code == 500
            error = answer.json()["error"]
            assert error["type"] == "server_error"
            assert f"The engine failed: the model computes {number} after this text" in error["message"]
            streamed = client.post("/v1/completions", json=asked | {"stream": True})
            assert (streamed.status_code, streamed.json()["error"]) == (500, error)
        assert client.get("/health").json() == {"status": "ok", "running": 0, "waiting": 0}


def test_what_becomes_no_number_in_a_stream_is_its_last_event(small: GPT) -> None:
    engine = engine_for(small, 1)
    advance, left = engine.advance, iter([True] * 3)

    def breaks(*args: object) -> dict[int, np.ndarray]:
        found = advance(*args)  # type: ignore[arg-type]
        return found if next(left, False) else {row: np.full_like(scores, np.nan) for row, scores in found.items()}

    engine.advance = breaks  # type: ignore[method-assign, assignment]
    with TestClient(create_app(Scheduler(engine), Tokenizer(), "small")) as client:
        asked = {"prompt": "Hello", "logit_bias": {"11": 100}, "stream": True}
        events = [line for line in client.post("/v1/completions", json=asked).text.splitlines() if line]
        assert [json.loads(event[6:])["choices"][0]["text"] for event in events[:-1]] == [","] * 3
        assert "the model computes NaN after this text" in json.loads(events[-1][6:])["error"]["message"]
