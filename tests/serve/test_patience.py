"""How long a server waits for whoever sends slowly, or does not take what it is sent."""

import asyncio
import http.client
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")
pytest.importorskip("httpx", reason="httpx (extra: test) is not installed")

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send

from nextword.serve import server

IMPATIENT = """
import nextword.serve.guard, nextword.serve.server
nextword.serve.guard.BODY_SECONDS = nextword.serve.server.HEAD_SECONDS = 0.4
nextword.serve.guard.LINGER_SECONDS = 0.4
"""
KEY = "Authorization: Bearer k"


@pytest.fixture(scope="module")
def impatient(serve, directory: Path) -> Iterator[SimpleNamespace]:
    """A server with a key, and a site whose pages may ask."""
    flags = ("--api-only", "--api-key", "k", "--cors-origin", "https://friend.example")
    with serve(directory, *flags, before=IMPATIENT) as served:
        yield served


def head(first: str, *lines: str, length: int = 15, host: str = "localhost") -> bytes:
    """A request's head, which promises a body."""
    lines = (first, f"Host: {host}", "Content-Type: application/json", *lines, f"Content-Length: {length}", "", "")
    return "\r\n".join(lines).encode()


def trickle(connection: socket.socket) -> None:
    """Send a byte now and then, for four seconds. Raises ConnectionError when nobody is there any more."""
    for _ in range(40):
        time.sleep(0.1)
        connection.sendall(b"a")


def test_slow_senders_are_not_waited_for(impatient: SimpleNamespace) -> None:
    begun = head("POST /v1/completions HTTP/1.1", KEY)
    whole = begun + b'{"prompt": "a"}'

    def answers(*parts: bytes, pause: float = 0.1) -> bytes:
        with socket.create_connection(("127.0.0.1", impatient.port), timeout=5) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(pause)
            except OSError:
                return b"hung up"
            try:
                return connection.recv(100) or b"hung up"
            except ConnectionResetError:
                return b"hung up"

    assert answers(b"") == b"hung up"
    assert answers(*(bytes([byte]) for byte in begun[:100])) == b"hung up"
    assert answers(begun + b"{").startswith(b"HTTP/1.1 408")
    assert answers(whole[:30], whole[30:140], whole[140:]).startswith(b"HTTP/1.1 200")
    with httpx.Client(headers={"Authorization": "Bearer k"}) as client:  # one connection
        for _ in range(3):
            assert client.post(f"{impatient.url}/v1/completions", json={"prompt": "a"}).status_code == 200
            time.sleep(0.5)


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head("POST /v1/completions HTTP/1.1"), 401),
        (head("POST /v1/completions HTTP/1.1", "Origin: https://elsewhere.example"), 403),
        (head("POST /v1/completions HTTP/1.1", host="["), 400),
        (head("POST /v1/completions HTTP/1.1", KEY), 408),
        # Answered before anybody looks at the key or the body, and with no word of closing.
        (head("OPTIONS / HTTP/1.1", "Origin: https://friend.example", "Access-Control-Request-Method: GET"), 200),
    ],
)
def test_a_body_that_trickles_after_its_answer_holds_no_connection(
    impatient: SimpleNamespace, request_head: bytes, status: int
) -> None:
    request_head = request_head.replace(b"Content-Length: 15", b"Content-Length: 999")
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=5) as connection:
        connection.sendall(request_head)
        answer = connection.recv(10_000)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert status == 200 or b"connection: close" in answer.lower()
        with pytest.raises(ConnectionError):
            trickle(connection)


def test_a_refusal_reaches_who_is_still_sending(impatient: SimpleNamespace) -> None:
    """To close on bytes that nobody took would take the answer back."""
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=5) as connection:
        connection.sendall(head("POST /v1/completions HTTP/1.1", KEY, length=5_000_000))
        for _ in range(50):
            connection.sendall(b"a" * 100_000)
        assert connection.recv(10_000).startswith(b"HTTP/1.1 413 ")


def test_the_connection_of_a_whole_request_stays_open(impatient: SimpleNamespace) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", impatient.port, timeout=5)
    connection.connect()
    first = connection.sock
    headers = {"Content-Type": "application/json", "Authorization": "Bearer k"}
    for status, body in ((200, "{}"), (400, '{"prompt": []}'), (404, '{"model": "b"}'), (200, "{}")):
        connection.request("POST", "/v1/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert connection.sock is first
    connection.close()


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An application whose answers are longer than what the system takes at once: /parts/size."""
    parts, size = map(int, scope["path"].strip("/").split("/"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for n in range(parts):
        await send({"type": "http.response.body", "body": b"a" * size, "more_body": n < parts - 1})


async def served(path: str, takes: bool) -> tuple[int, int]:
    """Ask for an answer, and take nothing of it for a second, or all of it in portions.

    How many bytes were taken, and how many connections the server holds on to after that.
    """
    process = uvicorn.Server(uvicorn.Config(answer, http=server.PunctualProtocol, lifespan="off", log_level="error"))
    bound = server.listen("127.0.0.1", 0)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 5000)
    serving = asyncio.create_task(process.serve([bound]))
    while not process.started:
        await asyncio.sleep(0.01)
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 5000)
    own.connect(bound.getsockname())
    reader, writer = await asyncio.open_connection(sock=own, limit=5000)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    came = 0
    await asyncio.sleep(0 if takes else 1)
    while takes and not reader.at_eof():
        await asyncio.sleep(0.02)
        for _ in range(50):
            came += len(await reader.read(10_000))
    held = len(process.server_state.connections)
    writer.close()
    process.should_exit = process.force_exit = True
    await serving
    return came, held


@pytest.mark.parametrize("path", ["/1/5000000", "/100/50000", "/1/60000"])
def test_who_takes_nothing_is_hung_up_on_and_who_takes_a_little_is_not(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(server, "STALL_SECONDS", 0.3)
    assert asyncio.run(served(path, takes=False)) == (0, 0)
    parts, size = map(int, path.strip("/").split("/"))
    came, held = asyncio.run(served(path, takes=True))
    assert came > parts * size
    assert held == 0


def test_a_minute_is_not_over_soon() -> None:
    assert asyncio.run(served("/1/60000", takes=False)) == (0, 1)


@pytest.mark.parametrize("also", [b"", b"\r\nOrigin: https://friend.example\r\nAccess-Control-Request-Method: GET"])
@pytest.mark.parametrize("first", ["GET /health HTTP/1.1", "OPTIONS /health HTTP/1.1", "GET /v1/models HTTP/1.1"])
def test_a_body_of_two_lengths_is_the_last_of_its_connection(
    impatient: SimpleNamespace, first: str, also: bytes
) -> None:
    """A proxy that believed the other length would take what follows for a request of somebody else's."""
    smuggled = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lengths = f"Content-Length: {5 + len(smuggled)}\r\nTransfer-Encoding: chunked".encode()
    asked = first.encode() + b"\r\nHost: localhost" + also + b"\r\n" + lengths + b"\r\n\r\n0\r\n\r\n" + smuggled
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=5) as connection:
        connection.sendall(asked)
        came = b""
        try:
            while more := connection.recv(10_000):
                came += more
        except ConnectionResetError:
            pass  # what it did not read
    assert came.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in came.lower()


def test_head_and_options_leave_the_connection_as_it_is(impatient: SimpleNamespace) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", impatient.port, timeout=5)
    connection.connect()
    first = connection.sock
    for method, status in (("HEAD", 200), ("OPTIONS", 204), ("GET", 200)):
        connection.request(method, "/health")
        answer = connection.getresponse()
        assert (answer.status, answer.read() == b"") == (status, method != "GET")
        assert connection.sock is first
    connection.close()
