"""One megabyte of Shakespeare, fetched once: the usual text to try small language models on."""

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from nextword.errors import DataError

# Andrej Karpathy's selection, published with char-rnn in 2015: 40,000 lines from the plays.
URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
FILE = "tinyshakespeare.txt"
TIMEOUT = 30  # seconds without a byte before a download is given up


def cache_path() -> Path | None:
    """Return where the text is kept between runs: `$XDG_CACHE_HOME/nextword`, or `~/.cache/nextword`.

    None where there is no home directory, as for some users of containers. A relative XDG_CACHE_HOME is
    ignored, as the XDG base directory specification asks.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not home.is_absolute():
        home = Path(os.path.expanduser("~")) / ".cache"
        if not home.is_absolute():
            return None
    return home / "nextword" / FILE


def fetch_shakespeare() -> bytes:
    """Return Shakespeare's text as UTF-8 bytes. It is fetched once, and then comes from the cache.

    Whatever its origin, its SHA-256 is checked: a damaged file in the cache is fetched again, and what a
    proxy or a login page put in its place is never kept. Raises DataError when there is no way to the
    true text; the message says where to put it by hand.
    """
    path = cache_path()
    if path is not None:
        with contextlib.suppress(OSError):
            kept = path.read_bytes()
            if _sha256(kept) == SHA256:
                return kept
        place = f"save it as {path}"
    else:
        place = f"train on that file: `data={(FILE,)!r}`"

    by_hand = f"Download it with a browser, from {URL}, and {place}."
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as response:
            text: bytes = response.read()
    except (OSError, http.client.HTTPException) as error:
        damaged = (
            f"; {path} has the wrong SHA-256 and cannot be used either" if path is not None and path.exists() else ""
        )
        raise DataError(f"shakespeare: the download failed ({_reason(error)}){damaged}. {by_hand}") from error
    if _sha256(text) != SHA256:
        raise DataError(
            f"shakespeare: the download is not the text it should be: {len(text)} bytes with SHA-256 "
            f"{_sha256(text)}, expected {SHA256}. A proxy or a login page may be in the way. {by_hand}"
        )
    # A cache that cannot be written (a read-only home, a full disk) is no reason not to train.
    if path is not None:
        with contextlib.suppress(OSError):
            _save(path, text)
    return text


def _save(path: Path, content: bytes) -> None:
    """Write a file so that it is either there whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _reason(error: Exception) -> str:
    """Describe a failure of the network in the operating system's own few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
