"""The one download: from a server on this machine, with a small text in Shakespeare's place."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nextword.data import read_corpus, shakespeare
from nextword.errors import DataError

TEXT = b"First Citizen:\nBefore we proceed any further, hear me speak.\n"


class Server(http.server.ThreadingHTTPServer):
    answer = TEXT
    promised = len(TEXT)
    status = 200
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.promised))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setattr(shakespeare, "URL", f"http://127.0.0.1:{server.server_port}/input.txt")
        monkeypatch.setattr(shakespeare, "SHA256", hashlib.sha256(TEXT).hexdigest())
        yield server
        server.shutdown()


@pytest.fixture
def cached(server: Server, tmp_path: Path) -> Path:
    return tmp_path / "nextword" / "tinyshakespeare.txt"


@pytest.fixture
def no_network(server: Server) -> None:
    server.shutdown()
    server.server_close()


def failure() -> str:
    with pytest.raises(DataError) as error:
        read_corpus(["shakespeare"])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_published_text_is_the_one_that_is_asked_for() -> None:
    assert shakespeare.URL.endswith("/karpathy/char-rnn/master/data/tinyshakespeare/input.txt")
    assert shakespeare.SHA256 == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def test_fetched_once_then_kept(server: Server, cached: Path) -> None:
    for _ in range(2):
        corpus = read_corpus(["shakespeare"])
        assert (corpus.name, corpus.documents) == ("shakespeare", (TEXT.decode(),))
        assert corpus.sha256 == shakespeare.SHA256
    assert server.requests == 1
    assert cached.read_bytes() == TEXT
    assert list(cached.parent.iterdir()) == [cached]


def test_a_file_put_there_by_hand_is_enough(no_network: None, cached: Path) -> None:
    cached.parent.mkdir()
    cached.write_bytes(TEXT)
    assert shakespeare.fetch_shakespeare() == TEXT


def test_a_damaged_file_is_fetched_again(server: Server, cached: Path) -> None:
    cached.parent.mkdir()
    cached.write_bytes(TEXT[:-1])
    assert shakespeare.fetch_shakespeare() == TEXT
    assert cached.read_bytes() == TEXT


def test_no_network_says_where_to_put_the_file(no_network: None, cached: Path) -> None:
    assert failure() == (
        "shakespeare: the download failed (Connection refused). Download it with a browser, "
        f"from {shakespeare.URL}, and save it as {cached}."
    )


def test_no_network_and_a_damaged_file(no_network: None, cached: Path) -> None:
    cached.parent.mkdir()
    cached.write_bytes(b"damaged")
    assert f"(Connection refused); {cached} has the wrong SHA-256 and cannot be used either. D" in failure()
    assert cached.read_bytes() == b"damaged"


def test_not_found(server: Server, cached: Path) -> None:
    server.status = 404
    assert "the download failed (HTTP 404 Not Found). Download it with a browser" in failure()


def test_a_download_cut_short(server: Server, cached: Path) -> None:
    server.promised += 1000
    assert "the download failed (IncompleteRead(61 bytes read, 1000 more expected))." in failure()
    assert not cached.exists()


def test_something_else_in_its_place(server: Server, cached: Path) -> None:
    server.answer = b"<html>Please log in</html>"
    server.promised = len(server.answer)
    assert failure() == (
        "shakespeare: the download is not the text it should be: 26 bytes with SHA-256 "
        f"{hashlib.sha256(server.answer).hexdigest()}, expected {shakespeare.SHA256}. "
        "A proxy or a login page may be in the way. "
        f"Download it with a browser, from {shakespeare.URL}, and save it as {cached}."
    )
    assert not cached.exists()


def test_a_cache_that_cannot_be_written_does_not_stop_a_run(server: Server, tmp_path: Path) -> None:
    (tmp_path / "nextword").write_text("a file where the folder should be")
    assert shakespeare.fetch_shakespeare() == TEXT


def test_a_failed_save_leaves_nothing_behind(server: Server, cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    assert shakespeare.fetch_shakespeare() == TEXT
    assert list(cached.parent.iterdir()) == []


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_the_cache_is_in_the_home_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", value)
    assert shakespeare.cache_path() == tmp_path / ".cache" / "nextword" / "tinyshakespeare.txt"


def test_without_a_home_directory_the_text_is_fetched_each_time(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it does where there is none
    monkeypatch.chdir(tmp_path)
    before = list(tmp_path.iterdir())
    assert shakespeare.fetch_shakespeare() == TEXT
    assert list(tmp_path.iterdir()) == before
