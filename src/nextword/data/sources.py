"""Where text comes from: the bundled story, Shakespeare, files, folders, stdin. Needs no torch."""

import bz2
import contextlib
import difflib
import gzip
import hashlib
import lzma
import os
import shlex
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from nextword.commands import command
from nextword.data import containers, structured
from nextword.data.encodings import to_text
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


AS_AT_FIRST = Reading(separator="", as_text=True, suffixes=FIRST_SUFFIXES)
"""How text was read before there was such a choice."""


@dataclass(frozen=True)
class Corpus:
    """Text to learn from, whole and in order.

    name is short and fit for a folder: `story`, `shakespeare`, a file's name without its suffix, a folder's
    name, `stdin`, or for several sources `<the first one's name>-and-2-more`. documents are the texts, none
    of them blank. sha256 (hex) identifies the bytes they were read from: for one file exactly what
    `sha256sum` prints; for several, the SHA-256 of their digests (32 bytes each) in order, so that moving a
    sentence from the end of one file to the start of the next changes it. reading: how it was read. account: what
    was read and what was not, in sentences, where that is not plain from the name.
    """

    name: str
    documents: tuple[str, ...]
    sha256: str
    reading: Reading = Reading()
    account: tuple[str, ...] = ()


@dataclass
class _Found:
    """The files of one source, as pairs of a name for messages and the bytes, and what was passed over, by kind."""

    files: list[tuple[str, bytes]]
    passed_over: Counter[str] = field(default_factory=Counter)


def read_corpus(data: Sequence[str | Path] | Path, reading: Reading | None = None) -> Corpus:
    """Read the text that a user named, in the order named.

    Each element of `data` is one of

    - `story`: the story that comes with nextword;
    - `shakespeare`: a megabyte of the plays, downloaded once (see `fetch_shakespeare`);
    - a file: any name, UTF-8 unless `reading` says otherwise; .gz, .bz2 and .xz are unpacked;
    - a folder: its text files, by their suffixes (`TEXT_SUFFIXES`), and those of its subfolders, sorted by path.
      Hidden files and folders, blank files, and links to folders are passed over;
    - `-`: standard input.

    A file is one document, or as many as `<|endoftext|>` separates (see `Reading`); blank ones are dropped.
    The two built-in names always mean the built-in texts, so that a recorded command means the same in any
    folder; write `./story` for a file of that name. A byte order mark is dropped and line ends become \\n,
    as Python's own `open` has it, so that the same text gives the same tokens whichever system wrote it.

    Raises DataError for text that is missing, blank, unreadable or in another encoding, and for files that hold
    something else than plain text (`containers.py`, `structured.py`).
    """
    reading = reading or Reading()
    sources = _sources(data)
    if sources.count("-") > 1:
        raise DataError(f"-: named {sources.count('-')} times, but {STDIN} can be read only once. Name it once.")
    found = [_read(source, reading) for source in sources]
    files = [file for one in found for file in one.files]
    documents = [document for name, raw in files for document in _documents(name, raw, reading)]
    return Corpus(
        name=corpus_name(sources),
        documents=tuple(documents),
        sha256=_fingerprint([raw for _, raw in files]),
        reading=reading,
        account=_account(sources, found, len(documents), reading),
    )


def corpus_name(data: Sequence[str | Path] | Path) -> str:
    """What a corpus of these sources is called, known without reading any of them."""
    sources = _sources(data)
    more = len(sources) - 1
    return _name(sources[0]) + (f"-and-{more}-more" if more else "")


def _sources(data: Sequence[str | Path] | Path) -> list[str]:
    named = [data] if isinstance(data, str | Path) else data
    sources = [os.path.expanduser(source) for source in named]
    if not sources or "" in sources:
        raise DataError(f"no text named. Expected {EXPECTED}.")
    return sources


def _read(source: str, reading: Reading) -> _Found:
    """The files of one source."""
    if source == "-":
        return _Found([(STDIN, _read_stdin())])
    if source == "story":
        return _Found([(source, resources.files("nextword.data").joinpath("story.txt").read_bytes())])
    if source == "shakespeare":
        return _Found([(source, fetch_shakespeare())])
    try:
        return _read_folder(source, reading) if os.path.isdir(source) else _Found([(source, Path(source).read_bytes())])
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


def _read_folder(folder: str, reading: Reading) -> _Found:
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
        there = f"only {_counted(passed_over)}" if passed_over else "nothing"
        raise DataError(
            f"{folder}: a folder without text files: {there}. Expected files that end in {' '.join(reading.suffixes)}. "
            "Files of other types can be named one by one."
        )
    return _Found(documents, passed_over)


def _raise(error: OSError) -> None:
    # os.walk passes over a folder that it may not enter; a corpus with a silent gap is worse than an error.
    raise error


def _documents(name: str, raw: bytes, reading: Reading) -> list[str]:
    """The documents of one file. A built-in text is always UTF-8 and always one."""
    if name in BUILT_IN:
        return [to_text(name, raw)]
    inner, unpacked = _unpack(name, raw)
    if not reading.as_text and (kind := containers.recognise(inner, unpacked)):
        raise DataError(containers.refusal(name, kind))
    text = to_text(name, unpacked, reading.encoding, strict=not reading.as_text)
    if not reading.as_text and (records := structured.find_records(inner, text)):
        raise DataError(structured.refusal(name, records, quoted=inner == name and name != STDIN))
    documents = text.split(reading.separator) if reading.separator else [text]
    documents = [document for document in documents if document and not document.isspace()]
    if not documents:
        found = f"{len(raw)} bytes, all of them blank" if raw else "empty"
        raise DataError(f"{name}: {found}. Expected text to learn from: add some, or name another source.")
    return documents


def _unpack(name: str, raw: bytes) -> tuple[str, bytes]:
    """A compressed file's name and bytes without the compression, told by its first bytes; any other's as they are."""
    for mark, (suffix, unpack) in COMPRESSED.items():
        if raw.startswith(mark):
            try:
                return name.removesuffix(suffix), unpack(raw)
            except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
                raise DataError(f"{name}: a damaged {suffix} file ({error}). Download or make it again.") from error
    return name, raw


def _account(sources: Sequence[str], found: Sequence[_Found], n_documents: int, reading: Reading) -> tuple[str, ...]:
    """What was read and what was not, in sentences."""
    files = [name for one in found for name, _ in one.files]
    passed_over = sum((one.passed_over for one in found), Counter[str]())
    told = []
    if len(files) > 1 or passed_over:
        kinds = Counter(Path(name).suffix.lower() or name for name in files)
        what = ", ".join(files) if len(files) <= 5 else f"{len(files):,} files: {_counted(kinds)}"
        over = f" Passed over: {_counted(passed_over)}. Files can be named one by one." if passed_over else ""
        told.append(f"Read {what}.{over}")
    if n_documents > len(files):
        told.append(f"{n_documents:,} documents, separated by {repr(reading.separator)[1:-1]}.")
    return tuple(told)


def _counted(kinds: Counter[str]) -> str:
    """How many there are of each: 12 .jsonl, 3 .png, Makefile."""
    most = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:8]
    names = [f"{n:,} {name}" if n > 1 or name.startswith((".", "blank")) else name for name, n in most]
    return ", ".join(names) + (", ..." if len(kinds) > 8 else "")


def _missing(path: Path) -> DataError:
    """An error for a path that is not there, with the name that was probably meant."""
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


def _name(source: str) -> str:
    """What a run on this source is called by default: fit for a folder, never empty, never hidden."""
    if source == "-":
        return "stdin"
    # abspath gives `.` and `..` a name, and unlike resolve() keeps the name of a link.
    path = Path(os.path.abspath(source))
    if path.is_dir() and source not in BUILT_IN:
        return path.name.lstrip(".") or "text"
    packed = [suffix for suffix, _ in COMPRESSED.values() if path.suffix == suffix]
    return (Path(path.stem).stem if packed else path.stem).lstrip(".") or "text"


def _fingerprint(documents: Sequence[bytes]) -> str:
    """SHA-256 (hex) of one document, or of the digests of several."""
    digests = [hashlib.sha256(raw) for raw in documents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
