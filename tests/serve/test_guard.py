"""Who may ask, by which names and methods, and where a proxy stands before the server."""

from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from nextword.decode.engines import engine_for
from nextword.model import GPT
from nextword.serve.app import create_app
from nextword.serve.inside import router
from nextword.serve.lens_worker import LensWorker
from nextword.serve.scheduler import Scheduler
from nextword.tokenizer import Tokenizer

PREFIX = "/user/ada/proxy/8000"
HUB = {"Host": "hub.example:8443", "Origin": "https://hub.example:8443"}


@pytest.fixture(scope="module")
def make(small: GPT) -> Iterator[Callable[..., TestClient]]:
    """Applications with one scheduler, each asked within this process."""
    scheduler = Scheduler(engine_for(small, 1))

    def made(**settings: object) -> TestClient:
        routers = [router(LensWorker(small, "small"))]
        app: FastAPI = create_app(scheduler, Tokenizer(), "small", routers=routers, **settings)
        return TestClient(app, base_url="http://localhost:8000")

    yield made
    scheduler.close()


@pytest.mark.parametrize("path", ["/", "/page.css", "/health", "/v1/models", "/metrics", "/api/model"])
def test_head_is_get_without_the_body(make: Callable[..., TestClient], path: str) -> None:
    client = make()
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert int(head.headers["content-length"]) > 0
    assert client.head("/nothing").status_code == 404
    assert client.head("/v1/completions").status_code == 405


def test_options_tell_what_a_place_takes(make: Callable[..., TestClient]) -> None:
    client = make()
    for path, methods in {
        "/v1/completions": {"POST", "OPTIONS"},
        "/v1/models": {"GET", "HEAD", "OPTIONS"},
        "/health": {"GET", "HEAD", "OPTIONS"},
        "/": {"GET", "HEAD", "OPTIONS"},
        "/api/next": {"POST", "OPTIONS"},
    }.items():
        answer = client.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert {*answer.headers["allow"].split(", ")} == methods
    assert client.options("/nothing").status_code == 404
    wrong = client.get("/v1/completions")
    assert wrong.status_code == 405
    assert wrong.json()["error"]["message"] == "/v1/completions takes POST and not GET."


@pytest.mark.parametrize("passes_on", [False, True])
def test_behind_a_proxy_all_is_where_it_is_shown(make: Callable[..., TestClient], passes_on: bool) -> None:
    client = make(root_path=PREFIX, api_key="k")
    before, key = PREFIX if passes_on else "", {"Authorization": "Bearer k"}
    assert "<title>nextword" in client.get(f"{before}/").text
    assert client.get(f"{before}/main.js").status_code == client.get(f"{before}/health").status_code == 200
    assert client.get(f"{before}/api/model").status_code == 401
    assert client.get(f"{before}/api/model", headers=key).json()["name"] == "small"
    answer = client.post(f"{before}/v1/completions", json={"prompt": "a", "max_tokens": 1}, headers=key)
    assert answer.status_code == 200
    missing = client.get(f"{before}/nothing", headers=key)
    assert missing.json()["error"]["message"] == "There is nothing at /nothing."
    assert client.get(f"{before}/openapi.json", headers=key).json()["servers"] == [{"url": PREFIX}]


def test_the_page_is_asked_for_by_its_folder(make: Callable[..., TestClient]) -> None:
    """Its links are relative, so that without the stroke they would lead beside it."""
    answer = make(root_path=PREFIX).get(PREFIX, follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"].endswith(f"{PREFIX}/")


def test_no_path_of_the_page_begins_at_the_host(make: Callable[..., TestClient]) -> None:
    page = make().get("/").text
    assert 'href="/' not in page
    assert 'src="/' not in page


def test_the_remedy_for_an_unknown_name_helps(make: Callable[..., TestClient]) -> None:
    """As where a proxy passes the name on by which it was called."""
    refused = make(hosts=["localhost"]).get("/health", headers=HUB)
    assert refused.status_code == 403
    message = refused.json()["error"]["message"]
    assert message.startswith("This server is not known as hub.example:8443: call it by the address that it printed.")
    helped = make(hosts=["localhost"], origins=[message.rsplit("--cors-origin ", 1)[1]])
    assert helped.get("/health", headers=HUB).status_code == 200
    assert helped.get("/health", headers={"Host": "rebound.example"}).status_code == 403


def test_the_remedy_for_another_pages_name_helps(make: Callable[..., TestClient]) -> None:
    """As where a proxy calls the server by its own name, and passes on which page asks."""
    refused = make(hosts=["localhost"]).get("/health", headers={"Origin": HUB["Origin"]})
    assert refused.status_code == 403
    helped = make(hosts=["localhost"], origins=[refused.json()["error"]["message"].rsplit("--cors-origin ", 1)[1]])
    assert helped.get("/health", headers={"Origin": HUB["Origin"]}).status_code == 200
