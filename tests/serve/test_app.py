"""The endpoints, within this process: what is answered, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

from fastapi.testclient import TestClient

from nextword.decode.writer import writer_for
from nextword.model import GPT
from nextword.serve.app import create_app
from nextword.serve.engine import Engine
from nextword.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def engine(small: GPT) -> Engine:
    return Engine(writer_for(small, 4), max_waiting=8)


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(engine, Tokenizer(), "small")) as client:
        yield client
    assert not engine.is_alive


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"prompt": "a", "max_tokens": "9"}, "max_tokens: Input should be a valid integer", "max_tokens"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0", "max_tokens"),
        ({"prompt": {"a": 1}}, "give a text, a list of texts", "prompt"),
        ({"prompt": []}, "an empty list holds no prompt", "prompt"),
        ({"prompt": [50257]}, "id 50257 is outside the vocabulary, 0 to 50256", "prompt"),
        ({"prompt": [-1]}, "give a text, a list of texts", "prompt"),
        ({"prompt": [1] * 65}, "maximum context length is 64 tokens: the prompt has 65", "prompt"),
        ({"prompt": [1] * 50, "max_tokens": 16}, "has 50, and max_tokens asks for 16 more", "max_tokens"),
        ({"prompt": "a", "best_of": 3}, "does not write more texts than it gives back", "best_of"),
        ({"prompt": "a", "suffix": "b"}, "cannot fill in before a suffix", "suffix"),
        ({"prompt": "a", "chat": 1}, "There is no parameter 'chat'", "chat"),
        ({"prompt": "a", "logit_bias": {"50257": 1}}, "'50257' is no id", "logit_bias"),
        ({"prompt": "a", "logit_bias": {"1": 101}}, "less than or equal to 100", "logit_bias"),
        ({"prompt": "a", "stop": ""}, "at least 1 character", "stop"),
        ({"prompt": "a", "n": 13}, "13 texts are too many", "n"),
        ({"prompt": "a", "top_p": 0}, "greater than 0", "top_p"),
        ({"prompt": "a", "logprobs": 21}, "less than or equal to 20", "logprobs"),
        ({"prompt": "a", "stream_options": {"include_usage": True}}, "stream_options are for streams", None),
    ],
)
def test_what_cannot_be_had_is_refused_in_openais_form(client: TestClient, body, message, param) -> None:
    answer = client.post("/v1/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert message in error["message"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize("body", [b'{"prompt": "a', b"[]", b"", b'{"\\ud800": 1}', b'{"temperature": NaN}', b"\xff"])
def test_bodies_that_are_no_requests_are_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    if body != b"":
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["message"]


def test_half_a_character_is_the_sign_for_an_unknown_one(client: TestClient) -> None:
    body = b'{"prompt": "a\\ud83dz", "echo": true, "max_tokens": 0}'
    answer = client.post("/v1/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["choices"][0]["text"] == "a\ufffdz"


def test_another_model_is_not_found(client: TestClient) -> None:
    answer = client.post("/v1/completions", json={"model": "gpt-4", "prompt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert client.get("/v1/models/gpt-4").status_code == 404
    assert client.get("/v1/models/small").json()["max_model_len"] == 64
    assert client.get("/v1/models").json()["data"][0]["id"] == "small"


def test_unknown_places_and_methods(client: TestClient) -> None:
    assert client.get("/nothing").json()["error"]["message"] == "There is nothing at /nothing."
    assert client.get("/v1/completions").status_code == 405
    assert client.get("/docs").status_code == 404  # it would load its scripts from elsewhere


def test_the_api_is_documented_as_it_answers(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods.values():
            assert set(method["responses"]) == {"200", "4XX", "5XX"}, path
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


def test_headers_are_safe(client: TestClient) -> None:
    for path in ("/health", "/nothing", "/v1/models"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert not [name for name in headers if name.startswith("access-control")]


def test_other_sites_pages_may_not_ask(client: TestClient) -> None:
    assert client.get("/health", headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert client.get("/health", headers={"Origin": "http://testserver"}).status_code == 200


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
    engine = Engine(writer_for(small))
    with TestClient(create_app(engine, Tokenizer(), "small", page=page)) as client:
        assert "<title>page" in client.get("/").text
        assert client.get("/main.js").headers["content-type"].startswith("text/javascript")
        assert client.get("/../secret.txt").status_code == 404
        assert client.get("/%2e%2e/secret.txt").status_code == 404


def test_with_a_key_only_who_has_it_may_ask(small: GPT, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    app = create_app(Engine(writer_for(small)), Tokenizer(), "small", api_key="sésame", page=tmp_path)
    with TestClient(app) as client:
        for path in ("/v1/models", "/metrics", "/openapi.json", "/api/anything"):
            refused = client.get(path)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert refused.json()["error"]["code"] == "invalid_api_key"
            assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
            right = {"Authorization": "Bearer sésame".encode()}
            assert client.get(path, headers=right).status_code == (404 if "api/" in path else 200)
        assert client.get("/").status_code == client.get("/health").status_code == 200


def test_only_its_own_names_are_answered(small: GPT) -> None:
    app = create_app(Engine(writer_for(small)), Tokenizer(), "small", hosts=["localhost", "::1"])
    with TestClient(app) as client:
        assert client.get("/health", headers={"Host": "localhost:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "[::1]:8000"}).status_code == 200
        assert client.get("/health", headers={"Host": "rebound.example:8000"}).status_code == 403


def test_sites_that_were_let_in_may_ask(small: GPT) -> None:
    app = create_app(Engine(writer_for(small)), Tokenizer(), "small", origins=["https://friend.example"], api_key="k")
    with TestClient(app) as client:
        asked = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
        assert (
            client.options("/v1/completions", headers=asked).headers["access-control-allow-origin"] == asked["Origin"]
        )
        assert client.get("/health", headers={"Origin": "https://other.example"}).status_code == 403


def test_a_body_has_its_limits(small: GPT) -> None:
    with TestClient(create_app(Engine(writer_for(small)), Tokenizer(), "small", max_body=100)) as client:
        long = b'{"prompt": "' + b"a" * 100 + b'"}'
        json = {"Content-Type": "application/json"}
        assert client.post("/v1/completions", content=long, headers=json).status_code == 413
        assert client.post("/v1/completions", content=iter([long]), headers=json).status_code == 413
        assert client.post("/v1/completions", json={"prompt": "a"}).status_code == 200
