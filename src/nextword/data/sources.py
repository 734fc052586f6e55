"""Sources of text: the bundled story, Shakespeare, files, folders, stdin. Needs no torch."""

import bz2
import contextlib
import difflib
import gzip
import lzma
import os
import shlex
import sys
import zlib
from collections import Counter
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from nextword.commands import command
from nextword.data.shakespeare import fetch_shakespeare
from nextword.errors import DataError
from nextword.tokenizer.vocab import END_OF_TEXT

BUILT_IN = ("story", "shakespeare")
FIRST_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst")
TEXT_SUFFIXES = (*FIRST_SUFFIXES, ".mdx", ".tex", ".html", ".htm", ".xhtml", ".org", ".adoc", ".asciidoc", ".textile")
"""What counts as text inside a folder. At first it was the first five, and a run that began then still says so."""
NOT_PROSE = ("requirements*.txt", "constraints*.txt", "CMakeLists.txt", "robots.txt")
EXPECTED = "story, shakespeare, a text file, a folder of text files, or - for standard input"
STDIN = "standard input"
COMPRESSED = {
    b"\x1f\x8b": (".gz", gzip.decompress),
    b"BZh": (".bz2", bz2.decompress),
    b"\xfd7zXZ\0": (".xz", lzma.decompress),
}


@dataclass(frozen=True)
class Reading:
    """How files become documents.

    separator: what stands between two documents of one file; "" where nothing does. encoding: of all files but the
    built-in texts, in Python's name for it; None is UTF-8. as_text: take JSON, tables and the like as they stand,
    where they are refused otherwise. suffixes: which files of a folder are read.
    """

    separator: str = END_OF_TEXT
    encoding: str | None = None
    as_text: bool = False
    suffixes: tuple[str, ...] = TEXT_SUFFIXES


AS_USUAL = Reading()
AS_AT_FIRST = Reading(separator="", as_text=True, suffixes=FIRST_SUFFIXES)
"""How text was read before there was such a choice."""


@dataclass
class SourceFiles:
    """The files of one source, and those passed over.

    files: pairs of a name for messages and the bytes. passed_over: how many there were of each kind.
    """

    files: list[tuple[str, bytes]]
    passed_over: Counter[str] = field(default_factory=Counter)


def read_source(source: str, reading: Reading) -> SourceFiles:
    """Read the files of one source."""
    if source == "-":
        return SourceFiles([(STDIN, _read_stdin())])
    if source == "story":
        return SourceFiles([(source, resources.files("nextword.data").joinpath("story.txt").read_bytes())])
    if source == "shakespeare":
        return SourceFiles([(source, fetch_shakespeare())])
    try:
        return (
            _read_folder(source, reading)
            if os.path.isdir(source)
            else SourceFiles([(source, Path(source).read_bytes())])
        )
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(Path(source)) from None
    except OSError as error:
        culprit = str(error.filename or source)
        denied = isinstance(error, PermissionError)
        remedy = f"Try: chmod u+rX {shlex.quote(culprit)}" if denied else f"Expected {EXPECTED}."
        raise DataError(f"{culprit}: cannot be read ({error.strerror}). {remedy}") from error


def _read_stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError(f"-: nothing is piped to {STDIN}. Expected: cat *.txt | {command('train', '--data', '-')}")
    return sys.stdin.buffer.read()


def _read_folder(folder: str, reading: Reading) -> SourceFiles:
    paths: list[Path] = []
    passed_over: Counter[str] = Counter()
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in files if not name.startswith(".")):
            if path.suffix.lower() not in reading.suffixes:
                passed_over[path.suffix.lower() or path.name] += 1
            elif not reading.as_text and any(path.match(pattern) for pattern in NOT_PROSE):
                passed_over[path.name] += 1
            elif path.is_file():
                paths.append(path)
    named_bytes = [(str(path), path.read_bytes()) for path in sorted(paths, key=Path.as_posix)]
    documents = [(name, raw) for name, raw in named_bytes if raw.strip()]
    if blank := len(named_bytes) - len(documents):
        passed_over["blank"] = blank
    if not documents:
        there = f"only {counted(passed_over)}" if passed_over else "nothing"
        raise DataError(
            f"{folder}: a folder without text files: {there}. Expected files that end in {' '.join(reading.suffixes)}. "
            "Files of other types can be named one by one."
        )
    return SourceFiles(documents, passed_over)


def _raise(error: OSError) -> None:
    # os.walk passes over a folder that it may not enter; a corpus with a silent gap is worse than an error.
    raise error


def unpacked(name: str, raw: bytes) -> tuple[str, bytes]:
    """Unpack a compressed file, known by its first bytes.

    -> its name and bytes without the compression; any other file's as they are.
    """
    for mark, (suffix, unpack) in COMPRESSED.items():
        if raw.startswith(mark):
            try:
                return name.removesuffix(suffix), unpack(raw)
            except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
                raise DataError(f"{name}: a damaged {suffix} file ({error}). Download or make it again.") from error
    return name, raw


def counted(kinds: Counter[str]) -> str:
    """List how many there are of each: 12 .jsonl, 3 .png, Makefile."""
    most = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:8]
    names = [f"{n:,} {name}" if n > 1 or name.startswith((".", "blank")) else name for name, n in most]
    return ", ".join(names) + (", ..." if len(kinds) > 8 else "")


def _missing(path: Path) -> DataError:
    """Describe a path that does not exist, with the name probably meant."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = [*sorted(os.listdir(path.parent)), *(BUILT_IN if path.parent == Path() else ())]
    as_typed = {name.casefold(): name for name in names}
    # With difflib's own cutoff, 0.6, two short names would be alike for their .txt alone.
    close = difflib.get_close_matches(path.name.casefold(), as_typed, n=1, cutoff=0.75)
    if close:
        return DataError(f"{path}: no such file or folder. Did you mean {path.parent / as_typed[close[0]]}?")
    if not path.parent.is_dir():
        return DataError(f"{path}: no such file, and {path.parent} is not a folder. Expected {EXPECTED}.")
    return DataError(f"{path}: no such file or folder. Expected {EXPECTED}.")


def source_name(source: str) -> str:
    """Name a run on this source: fit for a folder, never empty, never hidden."""
    if source == "-":
        return "stdin"
    # abspath gives `.` and `..` a name, and unlike resolve() keeps the name of a link.
    path = Path(os.path.abspath(source))
    if path.is_dir() and source not in BUILT_IN:
        return path.name.lstrip(".") or "text"
    packed = [suffix for suffix, _ in COMPRESSED.values() if path.suffix == suffix]
    return (Path(path.stem).stem if packed else path.stem).lstrip(".") or "text"
