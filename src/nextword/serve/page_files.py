"""Serve the page's files, which browsers check each time.

Sources: RFC 9110, 8.8.3 (ETag) and 13.1.2 (If-None-Match); RFC 9111, 5.2.2.4 (no-cache).
"""

import hashlib
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Written down here: what Python guesses the system may change, and a browser refuses a module of another kind."""

NO_CACHE = "no-cache"  # it may be kept, and not used before it was asked whether it is still the same


def page_routes(page: Path, below: str = "") -> list[Route]:
    """Make a route for each of the page's files.

    below: what stands before the paths. The page asks for everything by
    relative ones, so that it shows the model whose /api is beside it.
    """
    files = {file.relative_to(page).as_posix(): file for file in sorted(page.rglob("*")) if file.is_file()}
    files = {name: file for name, file in {"": page / "index.html", **files}.items() if file.suffix in KINDS}
    return [Route(f"{below}/{name}", partial(send_file, file=file)) for name, file in files.items()]


async def send_file(request: Request, file: Path) -> Response:
    """Answer with a file as it is now, or with 304 where the browser has it."""
    content = file.read_bytes()
    headers = {"cache-control": NO_CACHE, "etag": etag(content)}
    if is_known(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=KINDS[file.suffix], headers=headers)


def etag(content: bytes) -> str:
    """Hash contents: two releases may have files of one size and time."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the browser has what this ETag names."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in known
