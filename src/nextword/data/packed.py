"""Compressed files and ZIP archives: what is in them, read as a stream."""

import bz2
import gzip
import io
import itertools
import lzma
import os
import shlex
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from nextword.data.files import BLOCK, SourceFile, kept
from nextword.errors import DataError

INSTALL = "Install what reads it: pip install 'nextword[data]'"
DAMAGES = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, zipfile.BadZipFile)
LEAST_STEP, MOST_STEP = 1 << 6, 1 << 16  # bytes that are unpacked at once
LARGEST_WINDOW = 1 << 31  # bytes: as far back as `zstd --long=31` looks


def compression(head: bytes) -> str | None:
    """Find a compressed file's suffix by its first bytes; None for any other file."""
    return next((suffix for suffix, (mark, _) in COMPRESSED.items() if head.startswith(mark)), None)


def decompressed(file: SourceFile, suffix: str) -> SourceFile:
    """Read through a compression. Raises DataError where a package is missing for that."""
    if suffix == ".zst" and find_spec("zstandard") is None:
        raise DataError(f"{file.name}: this is a Zstandard file. {INSTALL}. Or: {to_disk(file.name)}")
    open_stream = COMPRESSED[suffix][1]

    def open() -> BinaryIO:
        packed = file.open()
        return _checked(file.name, suffix, open_stream(packed), packed)

    return SourceFile(file.name, open, file.known_as.removesuffix(suffix))


def zip_members(file: SourceFile) -> list[tuple[str, int]]:
    """List the files in a ZIP archive: names and sizes in bytes, without folders and hidden files."""
    try:
        with file.open() as opened, zipfile.ZipFile(opened) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (*DAMAGES, NotImplementedError) as error:
        raise _damaged(file.name, ".zip", error) from error
    hidden = (".", "__MACOSX")
    return [
        (entry.filename, entry.file_size)
        for entry in entries
        if not any(part.startswith(hidden) for part in PurePosixPath(entry.filename).parts)
    ]


def zip_member(file: SourceFile, member: str) -> SourceFile:
    """Take a file out of a ZIP archive."""
    name = f"{file.name}/{member}"

    def open() -> BinaryIO:
        try:
            archive = zipfile.ZipFile(file.open())
            return _checked(file.name, ".zip", archive.open(member), archive)
        except RuntimeError as error:  # also NotImplementedError
            raise DataError(
                f"{name}: {str(error).rstrip('.')}, which cannot be unpacked here. Unpack it, and name the folder."
            ) from error

    return SourceFile(name, open, member)


def with_seeking(file: SourceFile) -> SourceFile:
    """Make a file one whose end can be read first, by unpacking it if need be."""
    with file.open() as opened:
        return file if opened.seekable() else kept(file.name, opened, file.known_as)


def _checked(name: str, suffix: str, stream: Any, packed: Any) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Checked(name, suffix, stream, packed), BLOCK))


def _damaged(name: str, suffix: str, error: Exception) -> DataError:
    return DataError(f"{name}: a damaged {suffix} file ({error}). Download or make it again.")


class _Checked(io.RawIOBase):
    """A stream being unpacked, whose damages are said with the file's name."""

    def __init__(self, name: str, suffix: str, stream: Any, packed: Any):
        self._name, self._suffix, self._stream, self._packed = name, suffix, stream, packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._stream.read(len(buffer))
        except DataError:
            raise
        except DAMAGES as error:
            raise _damaged(self._name, self._suffix, error) from error
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._packed.close()
        super().close()


class _Zstandard:
    """Zstandard frames, one after the other. Unlike the package's own stream, it tells a file that was cut off."""

    def __init__(self, file: BinaryIO):
        import zstandard

        self._file, self._rest, self._step = file, b"", LEAST_STEP
        self._errors: tuple[type[Exception], ...] = (zstandard.ZstdError,)
        self._frame: Callable[[], Any] = zstandard.ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj
        self._decompressor: Any = None
        self._content = memoryview(b"")

    def read(self, n_bytes: int) -> bytes:
        while not self._content:
            self._rest = self._rest or self._file.read(MOST_STEP)
            if not self._rest:
                if self._decompressor is not None:
                    raise EOFError("it ends before its end was marked")
                return b""
            self._decompressor = self._decompressor or self._frame()
            try:
                self._content = memoryview(self._decompressor.decompress(self._rest[: self._step]))
            except self._errors as error:
                raise ValueError(str(error)) from error
            self._rest = self._rest[self._step :]
            # What repeats itself is packed a thousandfold, so it is unpacked in small steps.
            self._step = (
                max(LEAST_STEP, self._step // 2) if len(self._content) > BLOCK else min(MOST_STEP, 2 * self._step)
            )
            if self._decompressor.eof:
                self._rest, self._decompressor = self._decompressor.unused_data + self._rest, None
        content, self._content = self._content[:n_bytes], self._content[n_bytes:]
        return bytes(content)

    def close(self) -> None:
        self._file.close()


COMPRESSED: dict[str, tuple[bytes, Callable[[BinaryIO], Any]]] = {
    ".gz": (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    ".bz2": (b"BZh", bz2.BZ2File),
    ".xz": (b"\xfd7zXZ\0", lzma.LZMAFile),
    ".zst": (b"\x28\xb5\x2f\xfd", _Zstandard),
}
"""How compressed files end and begin, and what unpacks them."""


def unpacked_name(name: str) -> str:
    """Leave out the suffix of a compression: `a.txt.gz` becomes `a.txt`."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in COMPRESSED else name


def new_path(wanted: Path) -> Path:
    """Find a free path near the wanted one: `a.txt`, `a.new.txt`, `a.new2.txt`."""
    others = (wanted.with_name(f"{wanted.stem}.new{n}{wanted.suffix}") for n in ("", *range(2, 10_000)))
    return next(path for path in itertools.chain([wanted], others) if not os.path.lexists(path))


def unzip(archive: str) -> tuple[str, str]:
    """Write the command to unpack a ZIP archive, and name the new folder."""
    folder = str(new_path(Path(archive).with_suffix("")))
    return f"unzip -d {shlex.quote(folder)} {shlex.quote(archive)}", folder


def on_disk(name: str) -> str | None:
    """Find the file of a name, or the archive around it; None for a pipe."""
    return next((str(path) for path in (Path(name), *Path(name).parents) if os.path.isfile(path)), None)


def to_disk(name: str) -> str:
    """Say how to unpack or save a file for other programs; "" if there is no need."""
    there = on_disk(name)
    if there is None:
        return "Save it as a file first, and name that."
    with open(there, "rb") as file:
        suffix = compression(file.read(8))
    if suffix:
        unpacked = new_path(Path(unpacked_name(there)))
        program = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}[suffix]
        command = f"{program} -dc {shlex.quote(there)} > {shlex.quote(str(unpacked))}"
        return f"Unpack it, and name what comes out: {command}"
    if Path(there) == Path(name):
        return ""
    return f"Unpack the archive, and name the file in the new folder: {unzip(there)[0]}"
