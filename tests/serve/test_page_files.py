import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from nextword.serve.app import PAGE
from nextword.serve.page_files import page_routes


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("<p>old")
    (tmp_path / "main.js").write_text("let a")
    return tmp_path


def test_a_file_is_sent_only_where_it_has_changed(page: Path) -> None:
    client = TestClient(Starlette(routes=page_routes(page)))
    first = client.get("/main.js")
    assert first.headers["cache-control"] == "no-cache"
    known = {"if-none-match": first.headers["etag"]}
    same = client.get("/main.js", headers=known)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert client.get("/main.js", headers={"if-none-match": f'"a", W/{first.headers["etag"]}'}).status_code == 304
    # An upgrade may leave a file's size and time as they were.
    times = (page / "main.js").stat()
    (page / "main.js").write_text("let b")
    os.utime(page / "main.js", ns=(times.st_atime_ns, times.st_mtime_ns))
    newer = client.get("/main.js", headers=known)
    assert (newer.status_code, newer.text) == (200, "let b")


def test_the_page_has_an_address_of_its_own_and_one_below(page: Path) -> None:
    client = TestClient(Starlette(routes=[*page_routes(page), *page_routes(page, "/other")]))
    for path in ("/", "/index.html", "/other/", "/other/index.html", "/other"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "<p>old")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert client.head("/").status_code == 200
    assert client.get("/main.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.get("/nothing.js").status_code == 404


def test_every_file_of_the_page_is_sent() -> None:
    assert {route.path[1:] for route in page_routes(PAGE)} == {"", *(file.name for file in PAGE.iterdir())}
