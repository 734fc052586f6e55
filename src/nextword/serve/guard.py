"""What stands before every request: who may ask, how much may be sent and how slowly; and safe headers behind it."""

import asyncio
import hmac
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextword.serve.metrics import Metrics
from nextword.serve.refusals import Refusal

MAX_BODY = 1 << 20  # bytes
BODY_SECONDS = 10.0

SAFE_HEADERS = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
NEEDS_KEY = ("/v1/", "/api/", "/tokenize", "/detokenize", "/metrics", "/openapi.json")


class Guard:
    """Refuses what is not to reach the app, and adds safe headers to what leaves it.

    api_key: what has to come as `Authorization: Bearer KEY`, but for the page's
    own files and /health. hosts: the names under which the server may be
    called; None for any. On a loopback address they keep a page from elsewhere
    from reaching it by a name of its own that points here. origins: other
    sites whose pages may ask ("*" for all); a request of any other site's page
    is refused. The body is read here, whole, in at most max_body bytes and
    body_seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        api_key: str | None = None,
        hosts: Sequence[str] | None = None,
        origins: Sequence[str] = (),
        max_body: int = MAX_BODY,
        body_seconds: float = BODY_SECONDS,
    ):
        self._app, self._metrics = app, metrics
        self._key = None if api_key is None else api_key.encode()
        self._hosts, self._origins = hosts, origins
        self._max_body, self._body_seconds = max_body, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                if closes:
                    headers["connection"] = "close"
            await send(message)

        closes = False
        try:
            self._check(scope)
            body = await self._read(Headers(scope=scope), receive)
        except Refusal as refusal:
            closes = refusal.status in (408, 413)  # the rest of the body will not be read
            await refusal.response()(scope, receive, send_safely)
        except ConnectionError:
            return  # whoever asked has gone
        else:
            await self._app(scope, Replay(body, receive), send_safely)
        route = scope.get("route")
        self._metrics.answered(getattr(route, "path", "other"), status, time.monotonic() - began)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and urlsplit(f"//{host}").hostname not in self._hosts:
            raise Refusal("This server is not known by that name. Call it by the address that it printed.", status=403)
        origin = headers.get("origin")
        if origin is not None and "*" not in self._origins and origin not in self._origins:  # noqa: SIM102
            if urlsplit(origin).netloc != host:
                raise Refusal(f"Pages of {origin[:200]} may not ask here: see --cors-origin.", status=403)
        path = scope["path"]
        if self._key is not None and path.startswith(NEEDS_KEY) and scope["method"] != "OPTIONS":
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), self._key):
                raise Refusal(
                    "The API key is missing or wrong: send it as Authorization: Bearer KEY.",
                    status=401,
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The body, whole. Raises Refusal for one that is too long or too slow, ConnectionError if it stops coming."""
        too_long = Refusal(f"The body is longer than {self._max_body} bytes.", status=413)
        announced = headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_body:
            raise too_long
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError
                    body += message.get("body", b"")
                    if len(body) > self._max_body:
                        raise too_long
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise Refusal(f"The body took more than {self._body_seconds:g} seconds.", status=408) from None


class Replay:
    """Receives a body that was read already, and then whatever comes: the news that the other side has gone."""

    def __init__(self, body: bytes, receive: Receive):
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
