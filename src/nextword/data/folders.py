"""The files of a folder or an archive that are read: its texts, else its records."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from nextword.commands import quoted
from nextword.data.files import SourceFile, file_at
from nextword.data.packed import to_disk, unpacked_name, unzip
from nextword.data.reading import RECORD_SUFFIXES, Reading
from nextword.errors import DataError

NOT_PROSE = ("requirements*.txt", "constraints*.txt", "CMakeLists.txt", "robots.txt")
NOT_RECORDS = ("dataset_info*.json", "dataset_dict.json", "state.json", "package*.json", "tsconfig*.json")
ABOUT = ("readme*", "license*", "licence*", "changelog*", "changes*", "contributing*", "citation*", "notice*")
"""Files that say something about the records beside them, and are read only where there are none."""


@dataclass
class ChosenFiles:
    """The files to read, by name and in order, and how many were passed over of each kind."""

    chosen: list[str]
    passed_over: Counter[str] = field(default_factory=Counter)


def read_folder(folder: str, reading: Reading) -> tuple[list[SourceFile], Counter[str]]:
    """Choose the files of a folder and of its subfolders, sorted by path; blank ones are passed over.

    Hidden files and folders, and links to folders, are not even counted.
    """
    entries: list[tuple[str, int]] = []
    for parent, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in names if not name.startswith(".")]
        entries += [(str(path), path.stat().st_size if path.is_file() else -1) for path in paths]
    entries.sort(key=lambda entry: PurePath(entry[0]).as_posix())
    found = choose_files(folder, entries, reading)
    files = [file_at(name) for name in found.chosen]
    filled = [file for file in files if not file.is_blank()]
    if blank := len(files) - len(filled):
        found.passed_over["blank"] = blank
    if not filled:
        raise without_text(folder, "a folder", found.passed_over, reading)
    return filled, found.passed_over


def choose_files(name: str, entries: Iterable[tuple[str, int]], reading: Reading) -> ChosenFiles:
    """Choose among files, given by names and sizes in bytes. No file has a size below 0.

    Raises DataError where there are texts and more bytes of records, so that it is not clear what is meant.
    """
    passed_over: Counter[str] = Counter()
    prose: dict[str, int] = {}
    records: dict[str, int] = {}
    for path, size in entries:
        suffix = _suffix(path)
        inner = os.path.basename(unpacked_name(path) if suffix in reading.suffixes else path)
        is_record = _suffix(inner) in RECORD_SUFFIXES
        if suffix not in reading.suffixes or _suffix(inner) not in reading.suffixes:
            passed_over[suffix or inner] += 1
        elif not reading.as_text and _is_one_of(inner, NOT_RECORDS if is_record else NOT_PROSE):
            passed_over[inner] += 1
        elif size >= 0:
            (records if is_record else prose)[path] = size
    about = {path for path in prose if _is_one_of(os.path.basename(path).lower(), ABOUT)} if records else set()
    if records and about == {*prose}:
        passed_over.update(map(os.path.basename, prose))
        return ChosenFiles([*records], passed_over)
    if sum(records.values()) > sum(prose.values()):
        raise DataError(_unclear(name, prose, records))
    passed_over.update(map(_suffix, records))
    return ChosenFiles([*prose], passed_over)


def counted(kinds: Counter[str]) -> str:
    """List how many there are of each: 12 .jsonl, 3 .png, Makefile."""
    most = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:8]
    names = [f"{n:,} {name}" if n > 1 or name.startswith((".", "blank")) else name for name, n in most]
    return ", ".join(names) + (", ..." if len(kinds) > 8 else "")


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _unclear(name: str, prose: Iterable[str], records: Iterable[str]) -> str:
    suffixes = [Counter(map(_suffix, paths)) for paths in (prose, records)]
    there = (
        f"{name}: there are texts in it ({counted(suffixes[0])}) and more bytes of records ({counted(suffixes[1])}). "
    )
    folder, first = name, ""
    if not os.path.isdir(name):
        if in_the_way := to_disk(name):
            return there + in_the_way
        unpack, folder = unzip(name)
        first = f"Patterns look at the disk only, so unpack it first ({unpack}). "
    globs = [quoted(f"{glob.escape(folder)}/**/*{suffix.most_common(1)[0][0]}") for suffix in suffixes]
    return f"{there}{first}Say which of them are meant: {globs[0]} or {globs[1]}"


def without_text(name: str, what: str, passed_over: Counter[str], reading: Reading) -> DataError:
    """Describe a folder or an archive without anything to read."""
    there = f"only {counted(passed_over)}" if passed_over else "nothing"
    inside = "" if os.path.isdir(name) else to_disk(name) or f"Unpack it first: {unzip(name)[0]}"
    return DataError(
        f"{name}: {what} without text files: {there}. Expected files that end in {' '.join(reading.suffixes)}. "
        f"Files of other types can be named one by one{' on the disk. ' + inside if inside else '.'}"
    )


def _raise(error: OSError) -> None:
    # os.walk passes over a folder that it may not enter; a corpus with a silent gap is worse than an error.
    raise error
