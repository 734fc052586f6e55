"""Guard the app: keys, hosts and origins, limits of size and time, and safe headers."""

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from shlex import quote
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextword.serve.metrics import Metrics
from nextword.serve.refusals import Refusal, failure

MAX_BODY = 1 << 20  # bytes
BODY_SECONDS = 10.0
LINGER_SECONDS = 1.0  # for which the rest of a refused body is taken and thrown away
GONE = 499  # nginx's status for an answer whose reader hung up

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]*)(:[0-9]*)?")  # a name or an address, and perhaps a port

SAFE_HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

log = logging.getLogger("nextword.serve")


class Guard:
    """Refuses requests before they reach the app, adds safe headers, and answers where the app fails.

    api_key: what has to come as `Authorization: Bearer KEY`, but for the
    open_paths. hosts: the names under which the server may be called; None for
    any. On a loopback address they keep a page from elsewhere from reaching it
    by a name of its own that points here. origins: other sites whose pages may
    ask ("*" for all), by whose names the server may be called as well, as a
    proxy does; a request of any other site's page is refused. The body is read
    here, whole, in at most max_body bytes and body_seconds; whoever is refused
    before that is hung up on. HEAD is answered as GET, without the body.
    root_path: under which path others see the server; whether a proxy passes it
    on does not matter. Raises ValueError for an empty key.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        api_key: str | None = None,
        open_paths: Collection[str] = (),
        hosts: Sequence[str] | None = None,
        origins: Sequence[str] = (),
        max_body: int = MAX_BODY,
        body_seconds: float = BODY_SECONDS,
        root_path: str = "",
    ):
        # The line end of a key that was read from a file is no part of it, and no header could bring it.
        self._key = None if api_key is None else api_key.strip().encode()
        if self._key == b"":
            raise ValueError("The API key is empty: give None to let everybody ask.")
        self._app, self._metrics, self._open_paths = app, metrics, open_paths
        self._hosts = None if hosts is None else {*hosts, *(urlsplit(origin).hostname for origin in origins)}
        self._origins = origins
        self._max_body, self._body_seconds = max_body, body_seconds
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it here; and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET" if is_head else scope["method"], "root_path": self._root_path}
        began, incoming, answer = time.monotonic(), Incoming(receive), Answer(send, is_head)
        try:
            await self._pass_on(scope, incoming, answer)
        except Exception:
            if answer.has_begun:  # and cannot be taken back: whoever runs this writes the log and cuts the connection
                answer.status = 500
                raise
            log.exception("%s %r failed.", scope["method"], scope["path"])
            await failure()(scope, receive, answer)
        finally:
            route = scope.get("route")
            self._metrics.answered(getattr(route, "path", "other"), answer.status, time.monotonic() - began)

    async def _pass_on(self, scope: Scope, incoming: "Incoming", answer: "Answer") -> None:
        try:
            self._check(scope)
            body = await self._read(Headers(scope=scope), incoming)
        except Refusal as refusal:
            # Were the connection closed on bytes that nobody took, the answer could be lost on its way.
            await answer.refuse(refusal)
            await incoming.drain(LINGER_SECONDS)
            await answer.end()
        except ConnectionError:
            return  # the client has gone
        else:
            await self._app(scope, Replay(body, incoming.receive), answer)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        named = HOST.fullmatch(host)
        if named is None:
            raise Refusal("The Host header is no name or address: call this server by the address that it printed.")
        origin = headers.get("origin")
        own = (f"http://{host}", f"https://{host}")
        if self._hosts is not None and named[1].strip("[]") not in self._hosts:
            site = origin if origin in own else own[1]
            raise Refusal(
                f"This server is not known as {host[:200]}: call it by the address that it printed. "
                f"If a proxy of yours stands before it, start it with --cors-origin {site[:200]}",
                status=403,
            )
        if origin is not None and "*" not in self._origins and origin not in (*self._origins, *own):
            raise Refusal(
                f"Pages of {origin[:200]} may not ask here. If that is this server's own page behind a proxy, "
                f"or a site that you trust, start it with --cors-origin {quote(origin[:200])}",
                status=403,
            )
        if self._key is not None and scope["path"].removeprefix(self._root_path) not in self._open_paths:
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), self._key):
                raise Refusal(
                    "The API key is missing or wrong: send it as Authorization: Bearer KEY.",
                    status=401,
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )

    async def _read(self, headers: Headers, incoming: "Incoming") -> bytes:
        """Read the body, whole. Raises Refusal for a body too long or too slow, ConnectionError if it ends early."""
        too_long = Refusal(f"The body is longer than {self._max_body} bytes.", status=413)
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                while not incoming.is_over:
                    body += await incoming.part()
                    if len(body) > self._max_body:
                        raise too_long
        except TimeoutError:
            raise Refusal(f"The body took more than {self._body_seconds:g} seconds.", status=408) from None
        return bytes(body)


class Incoming:
    """A request's body, received part by part."""

    def __init__(self, receive: Receive):
        self.receive = receive
        self.is_over = False

    async def part(self) -> bytes:
        """Receive the next part. Raises ConnectionError if the client has gone."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        self.is_over = not message.get("more_body", False)
        return message.get("body", b"")

    async def drain(self, seconds: float) -> None:
        """Take the rest, for so long at most, and throw it away."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while not self.is_over:
                    await self.part()


class Answer:
    """Sends an answer with safe headers. status: what it came to, `GONE` until its end is sent.

    is_head: leave out the body.
    """

    def __init__(self, send: Send, is_head: bool = False):
        self._send, self._is_head = send, is_head
        self._announced = self.status = GONE
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Send the next part."""
        if message["type"] == "http.response.start":
            self.has_begun, self._announced = True, message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        elif self._is_head:
            message = {**message, "body": b""}
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.status = self._announced

    async def refuse(self, refusal: Refusal) -> None:
        """Send all but the end of an answer, and close the connection without reading on."""
        response = refusal.response()
        headers = [*response.raw_headers, (b"connection", b"close")]
        await self({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self({"type": "http.response.body", "body": response.body, "more_body": True})

    async def end(self) -> None:
        """Send the end."""
        await self({"type": "http.response.body", "body": b"", "more_body": False})


class Replay:
    """Receives a body that was read already, and then the client's later messages."""

    def __init__(self, body: bytes, receive: Receive):
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Give the next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
