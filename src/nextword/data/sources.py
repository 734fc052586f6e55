"""Where text comes from: the bundled story, Shakespeare, files, folders, stdin. Needs no torch."""

import contextlib
import difflib
import hashlib
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from nextword.commands import command
from nextword.data.shakespeare import fetch_shakespeare
from nextword.errors import DataError

BUILT_IN = ("story", "shakespeare")
TEXT_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst")  # what counts as text inside a folder
EXPECTED = "story, shakespeare, a text file, a folder of text files, or - for standard input"
STDIN = "standard input"


@dataclass(frozen=True)
class Corpus:
    """Text to learn from, whole and in order.

    name is short and fit for a folder: `story`, `shakespeare`, a file's name without its suffix, a folder's
    name, `stdin`, or for several sources `<the first one's name>-and-2-more`. documents are the texts, none
    of them blank. sha256 (hex) identifies the bytes they were read from: for one document exactly what
    `sha256sum` prints; for several, the SHA-256 of their digests (32 bytes each) in order, so that moving a
    sentence from the end of one file to the start of the next changes it.
    """

    name: str
    documents: tuple[str, ...]
    sha256: str


def read_corpus(data: Sequence[str | Path] | Path) -> Corpus:
    """Read the text that a user named, in the order named, each file as one document.

    Each element of `data` is one of

    - `story`: the story that comes with nextword;
    - `shakespeare`: a megabyte of the plays, downloaded once (see `fetch_shakespeare`);
    - a file: any name, UTF-8;
    - a folder: its .txt .text .md .markdown .rst files and those of its subfolders, sorted by path. Hidden
      files and folders, blank files, and links to folders are passed over;
    - `-`: standard input.

    The two built-in names always mean the built-in texts, so that a recorded command means the same in any
    folder; write `./story` for a file of that name. A byte order mark is dropped and line ends become \\n,
    as Python's own `open` has it, so that the same text gives the same tokens whichever system wrote it.

    Raises DataError for text that is missing, blank, unreadable or not UTF-8.
    """
    named = [data] if isinstance(data, str | Path) else data
    sources = [os.path.expanduser(source) for source in named]
    if not sources or "" in sources:
        raise DataError(f"no text named. Expected {EXPECTED}.")
    if sources.count("-") > 1:
        raise DataError(f"-: named {sources.count('-')} times, but {STDIN} can be read only once. Name it once.")
    documents = [document for source in sources for document in _read(source)]
    more = len(sources) - 1
    return Corpus(
        name=_name(sources[0]) + (f"-and-{more}-more" if more else ""),
        documents=tuple(_decode(name, raw) for name, raw in documents),
        sha256=_fingerprint([raw for _, raw in documents]),
    )


def _read(source: str) -> list[tuple[str, bytes]]:
    """The documents of one source, as pairs: a name for error messages, and the bytes."""
    if source == "-":
        return [(STDIN, _read_stdin())]
    if source == "story":
        return [(source, resources.files("nextword.data").joinpath("story.txt").read_bytes())]
    if source == "shakespeare":
        return [(source, fetch_shakespeare())]
    try:
        return _read_folder(source) if os.path.isdir(source) else [(source, Path(source).read_bytes())]
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


def _read_folder(folder: str) -> list[tuple[str, bytes]]:
    paths: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        visible = (Path(parent, name) for name in files if not name.startswith("."))
        paths += [path for path in visible if path.suffix.lower() in TEXT_SUFFIXES and path.is_file()]
    named_bytes = [(str(path), path.read_bytes()) for path in sorted(paths, key=Path.as_posix)]
    documents = [(name, raw) for name, raw in named_bytes if raw.strip()]
    if not documents:
        found = "nothing but blank text files" if paths else f"no {' '.join(TEXT_SUFFIXES)} file"
        raise DataError(f"{folder}: a folder with {found}. Files of other types can be named one by one.")
    return documents


def _raise(error: OSError) -> None:
    # os.walk passes over a folder that it may not enter; a corpus with a silent gap is worse than an error.
    raise error


def _decode(name: str, raw: bytes) -> str:
    """Bytes -> text, without byte order mark and with \\n at the end of each line."""
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}: not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start} (line {line}). "
            f"If it is text in another encoding, convert it: {_iconv(name, raw)}"
        ) from error
    if not text or text.isspace():
        found = f"{len(raw)} bytes, all of them blank" if raw else "empty"
        raise DataError(f"{name}: {found}. Expected text to learn from: add some, or name another source.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _iconv(name: str, raw: bytes) -> str:
    """The command that most likely turns these bytes into UTF-8."""
    # Windows writes UTF-16 with a byte order mark, or one byte a character; the second leaves no trace.
    encoding = "UTF-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "WINDOWS-1252"
    convert = f"iconv -f {encoding} -t UTF-8"
    if name == STDIN:
        return f"... | {convert} | {command('train', '--data', '-')}"
    path = Path(name)
    return f"{convert} {shlex.quote(name)} > {shlex.quote(str(path.with_suffix('.utf8' + path.suffix)))}"


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
    return (path.name if path.is_dir() and source not in BUILT_IN else path.stem).lstrip(".") or "text"


def _fingerprint(documents: Sequence[bytes]) -> str:
    """SHA-256 (hex) of one document, or of the digests of several."""
    digests = [hashlib.sha256(raw) for raw in documents]
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()
