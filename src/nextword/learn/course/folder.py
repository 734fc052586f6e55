"""The learner's folder: the files of the exercises, their states, and the next one."""

import difflib
import hashlib
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from nextword.commands import command
from nextword.errors import NextwordError
from nextword.learn.checker.track import TRACK
from nextword.learn.course.progress import Progress

FOLDER = "my_gpt2"
"""What a learner's folder is called unless they say otherwise."""

MARK = "learn.toml"
"""The file by which such a folder is known."""

State = Literal["passed", "changed", "tried", "new"]


class CourseError(NextwordError, ValueError):
    """A learner's folder is missing, or its learn.toml says something impossible."""


class Course:
    """A learner's folder. An exercise stands in exNN_name.py, unless learn.toml says where else."""

    def __init__(self, path: Path):
        self.path = path
        self.progress = Progress(path / ".progress.json")

    def file(self, name: str) -> Path:
        """Find the file of an exercise, under whatever number it was written."""
        there = sorted(self.path.glob(f"ex[0-9][0-9]_{name}.py"))
        return there[0] if there else self.path / f"ex{TRACK.number(name):02}_{name}.py"

    def command(self, *words: object) -> str:
        """Write a command of `nextword learn` for this folder, with --dir where it needs it."""
        try:
            found = find().path.resolve() == self.path.resolve()
        except CourseError:
            found = False
        return command("learn", *words, *(() if found else ("--dir", self.path)))

    @cached_property
    def mapped(self) -> Mapping[str, str | dict[str, str]]:
        """What learn.toml says: an exercise -> "file.py:Symbol", or a symbol -> the same.

        Raises CourseError for a file that says something else.
        """
        path = self.path / MARK
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("exercises", {})
        except FileNotFoundError:
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CourseError(f"{path}: {error}. A line reads: layer_norm = 'model.py:MyLayerNorm'") from None
        for name, place in table.items():
            if name not in TRACK.names:
                raise CourseError(f"{path}: there is no exercise {name!r}. {nearest(name, TRACK.names)}")
            places = place.values() if isinstance(place, dict) else [place]
            if not all(isinstance(one, str) and one.partition(":")[0].strip() for one in places):
                raise CourseError(f"{path}: {name} must be 'file.py:Symbol' or a table of those, not {place!r}.")
        return dict(table)

    def place(self, name: str, symbol: str) -> tuple[str, str]:
        """Where a symbol of an exercise stands: (a path relative to the folder or a module's name, its name there)."""
        place = self.mapped.get(name, "")
        if isinstance(place, dict):
            place = place.get(symbol, "")
        file, _, theirs = place.partition(":")
        return file.strip() or self.file(name).name, theirs.strip() or symbol

    def files(self, name: str) -> list[Path]:
        """The files in which the learner writes an exercise."""
        place = self.mapped.get(name, "")
        places = list(place.values()) if isinstance(place, dict) else [place]
        named = dict.fromkeys(one.partition(":")[0].strip() for one in places)
        found = [self.find_source(one) if one else self.file(name) for one in named]
        if isinstance(place, dict) and self.file(name) not in found and set(TRACK[name].symbols) - set(place):
            found.append(self.file(name))
        return found

    def find_source(self, place: str) -> Path:
        """The file that a path in learn.toml, or a module's name there, stands for."""
        if place.endswith(".py"):
            return (self.path / place).resolve()
        relative = Path(*place.split("."))
        for root in (self.path, self.path.parent):
            for file in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
                if file.is_file():
                    return file.resolve()
        return (self.path / relative.with_suffix(".py")).resolve()

    def sha256(self, name: str) -> str:
        """Of the learner's code for an exercise, as it is now; "" where a file is missing."""
        digest = hashlib.sha256()
        for file in self.files(name):
            try:
                digest.update(file.read_bytes())
            except OSError:
                return ""
        return digest.hexdigest()

    def states(self) -> dict[str, State]:
        """Every exercise's state: "changed" is passed, but not checked since its file changed."""
        records = self.progress.read()
        states: dict[str, State] = {}
        for name in TRACK.names:
            record = records.get(name)
            if record is None or not (record.passed or record.attempts):
                states[name] = "new"
            elif not record.passed:
                states[name] = "tried"
            else:
                states[name] = "passed" if record.sha256 == self.sha256(name) else "changed"
        return states

    def passed(self, name: str) -> bool:
        """Whether the learner's code for an exercise, as it is now, has passed its check."""
        record = self.progress[name]
        return record.passed and record.sha256 == self.sha256(name)

    def current(self, after: str | None = None) -> str | None:
        """First exercise not passed yet, after a given one if there is one; None when all have."""
        states = self.states()
        start = TRACK.number(after) if after else 0
        names = TRACK.names[start:] + TRACK.names[:start]
        return next((name for name in names if states[name] != "passed"), None)


def find(directory: str | None = None, start: Path | None = None) -> Course:
    """The learner's folder: the one that is named; else here, one step below, or above.

    Raises CourseError, which says how to begin, where there is none.
    """
    if directory is not None:
        if not (Path(directory) / MARK).is_file():
            raise CourseError(
                f"{directory} is no folder of exercises. To make it one: {command('learn', 'init', directory)}"
            )
        return Course(Path(directory))
    here = Path.cwd() if start is None else start
    below = [folder.parent for folder in here.glob(f"*/{MARK}")]
    named = [here / FOLDER] if (here / FOLDER / MARK).is_file() else below if len(below) == 1 else []
    candidates = [here, *named, *here.parents, *(parent / FOLDER for parent in here.parents)]
    for folder in candidates:
        if (folder / MARK).is_file():
            return Course(folder)
    many = f" ({', '.join(sorted(folder.name for folder in below))} are: choose one with --dir)" if below else ""
    raise CourseError(f"There are no exercises in this folder{many}. To begin: {command('learn', 'init')}")


def exercise_named(text: str) -> str:
    """The exercise that a number, a name or a file's name stands for. Raises CourseError where none does."""
    if text.isdecimal():
        if 1 <= int(text) <= len(TRACK):
            return TRACK.names[int(text) - 1]
        raise CourseError(f"There is no exercise {text}: they go from 1 to {len(TRACK)}.")
    name = Path(text).name.removesuffix(".py").replace("-", "_")
    if name not in TRACK.names and name[:2] == "ex":
        name = name[2:].lstrip("0123456789").removeprefix("_")
    if name in TRACK.names:
        return name
    raise CourseError(f"There is no exercise {text!r}. {nearest(name, TRACK.names)}")


def nearest(name: str, names: tuple[str, ...]) -> str:
    """Suggest the nearest name, or the list of all."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {near[0]}?" if near else f"`{command('learn', 'list')}` shows all."
