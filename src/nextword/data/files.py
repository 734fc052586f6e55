"""Files that can be opened again and again: of the disk, of a pipe, of another file."""

import hashlib
import io
import shlex
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from nextword.errors import DataError

BLOCK = 1 << 20  # bytes that are read at once
IN_MEMORY = 64 << 20  # bytes of a pipe that are kept in memory; more goes to a temporary file


@dataclass(frozen=True)
class SourceFile:
    """A file to read: `name` for messages, and how to open it, each time at its beginning.

    called: the name by whose suffix it is known, where that is another, as `a.txt` of `a.txt.gz`.
    """

    name: str
    open: Callable[[], BinaryIO]
    called: str = ""

    @property
    def known_as(self) -> str:
        """The name whose suffix tells the kind of file."""
        return self.called or self.name

    def head(self, n_bytes: int) -> bytes:
        """Read the first bytes."""
        with self.open() as file:
            return read_exactly(file, n_bytes)

    def blocks(self) -> Iterator[bytes]:
        """Read the file from its beginning, a megabyte at a time."""
        with self.open() as file:
            while block := file.read(BLOCK):
                yield block

    def sha256(self) -> bytes:
        """Compute the digest of the bytes as they lie on the disk."""
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.digest()

    def is_blank(self) -> bool:
        """Whether there is nothing but white space in it."""
        return not any(block.strip() for block in self.blocks())


def read_exactly(file: BinaryIO, n_bytes: int) -> bytes:
    """Read so many bytes, or all that there are. A single `read` of a pipe may give fewer."""
    parts: list[bytes] = []
    while n_bytes > 0 and (part := file.read(n_bytes)):
        parts.append(part)
        n_bytes -= len(part)
    return b"".join(parts)


def file_at(path: str | Path) -> SourceFile:
    """Take a file of the disk. A pipe that has a path is read to its end at once."""
    path = Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        with _opened(path) as pipe:
            return kept(str(path), pipe)
    return SourceFile(str(path), lambda: _opened(path))


def file_of(name: str, content: bytes) -> SourceFile:
    """Take bytes as a file."""
    return SourceFile(name, lambda: io.BytesIO(content))


def kept(name: str, stream: IO[bytes], called: str = "") -> SourceFile:
    """Keep a stream that can be read only once. Much of it goes to a temporary file."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # deleted with the last reader
    shutil.copyfileobj(stream, file, BLOCK)
    return SourceFile(name, lambda: io.BufferedReader(_KeptStream(file), BLOCK), called)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(error, str(path)) from error


def unreadable(error: OSError, path: str, expected: str = "Name another source.") -> DataError:
    """Describe what the operating system refuses."""
    culprit = str(error.filename or path)
    denied = isinstance(error, PermissionError)
    remedy = f"Try: chmod u+rX {shlex.quote(culprit)}" if denied else expected
    return DataError(f"{culprit}: cannot be read ({error.strerror}). {remedy}")


class _KeptStream(io.RawIOBase):
    """One of the readers of a temporary file, with a place of its own."""

    def __init__(self, file: IO[bytes]):
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            offset = self._file.seek(offset, io.SEEK_END)
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
