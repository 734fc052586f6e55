"""Sources of text as they are named: the bundled story, Shakespeare, files, folders, patterns, stdin; no torch."""

import contextlib
import difflib
import glob
import math
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from nextword.commands import command
from nextword.data.files import SourceFile, file_at, file_of, kept, unreadable
from nextword.data.folders import read_folder
from nextword.data.hub import PREFIX, dataset_name
from nextword.data.packed import unpacked_name
from nextword.data.reading import STDIN, Reading
from nextword.data.shakespeare import fetch_shakespeare
from nextword.errors import DataError

BUILT_IN = ("story", "shakespeare")
EXPECTED = "story, shakespeare, a text file, a folder of text files, or - for standard input"
WEIGHT = re.compile(r"(.+):(-?(?:\d+\.?\d*|\.\d+))", re.DOTALL)


@dataclass(frozen=True)
class NamedSource:
    """A source as it is named, and its weight among the others: `a.txt:0.7`."""

    name: str
    weight: float | None = None


@dataclass
class SourceFiles:
    """The files of one source, and how many of each kind were passed over."""

    files: list[SourceFile]
    passed_over: Counter[str] = field(default_factory=Counter)


def named_sources(data: Sequence[str | Path] | Path) -> list[NamedSource]:
    """Take apart what a user named. Raises DataError where there is nothing, or some weights and not all."""
    named = [data] if isinstance(data, str | Path) else data
    sources = [_named(os.path.expanduser(source)) for source in named]
    if not sources or any(source.name == "" for source in sources):
        raise DataError(f"no text named. Expected {EXPECTED}.")
    if (times := [source.name for source in sources].count("-")) > 1:
        raise DataError(f"-: named {times} times, but {STDIN} can be read only once. Name it once.")
    bare = [source.name for source in sources if source.weight is None]
    if bare and len(bare) < len(sources):
        raise DataError(f"{bare[0]}: no weight, and other sources have one. Give one to each: {bare[0]}:1")
    return sources


def read_source(source: str, reading: Reading) -> SourceFiles:
    """Find the files of one source."""
    if source == "-":
        return SourceFiles([kept(STDIN, _stdin())])
    if source == "story":
        content = resources.files("nextword.data").joinpath("story.txt").read_bytes()
        return SourceFiles([file_of(source, content)])
    if source == "shakespeare":
        return SourceFiles([file_of(source, fetch_shakespeare())])
    try:
        if glob.has_magic(source) and not os.path.lexists(source):
            return SourceFiles([file_at(path) for path in _matching(source)])
        if os.path.isdir(source):
            return SourceFiles(*read_folder(source, reading))
        return SourceFiles([file_at(source)])
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(Path(source)) from None
    except OSError as error:
        raise unreadable(error, source, f"Expected {EXPECTED}.") from error


def source_name(source: str) -> str:
    """Name a run on this source: fit for a folder, never empty, never hidden."""
    if source == "-":
        return "stdin"
    if source.startswith(PREFIX):
        source = dataset_name(source)
    if glob.has_magic(source) and not os.path.lexists(source):
        source = str(_above_pattern(source))
    # abspath gives `.` and `..` a name, and unlike resolve() keeps the name of a link.
    path = Path(os.path.abspath(source))
    if path.is_dir() and source not in BUILT_IN:
        return path.name.lstrip(".") or "text"
    return Path(unpacked_name(str(path))).stem.lstrip(".") or "text"


def _named(source: str) -> NamedSource:
    found = WEIGHT.fullmatch(source)
    if found is None or os.path.lexists(source):
        return NamedSource(source)
    weight = float(found[2])
    if not 0 < weight < math.inf:
        raise DataError(f"{source}: a weight is above 0, such as {found[1]}:0.5. Leave the source out instead.")
    return NamedSource(found[1], weight)


def _stdin() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError(f"-: nothing is piped to {STDIN}. Expected: cat *.txt | {command('train', '--data', '-')}")
    return sys.stdin.buffer


def _matching(pattern: str) -> list[str]:
    """List the files that a pattern such as data/**/*.txt matches, sorted by path."""
    paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
    if not paths:
        raise DataError(f"{pattern}: no file matches this pattern. Expected {EXPECTED}.")
    return sorted(paths, key=lambda path: Path(path).as_posix())


def _above_pattern(pattern: str) -> Path:
    """Take the folder above a pattern's first part with a * in it."""
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


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
