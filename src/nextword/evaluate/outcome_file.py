"""Files of a task's outcomes, one item a line, to resume from and to merge."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nextword.errors import DataError
from nextword.evaluate.task import Outcome
from nextword.runtime import sync


@dataclass(frozen=True)
class Header:
    """The model, data and protocol of some outcomes, equal in all files that go together."""

    model: str
    task: str
    protocol: str
    sha256: str
    n_items: int
    dtype: str
    n_ctx: int


@dataclass(frozen=True)
class OutcomeFile:
    """A file of outcomes: its header, and what was found so far, by item."""

    path: Path
    header: Header
    outcomes: dict[int, Outcome]


def read_outcomes(path: Path) -> OutcomeFile:
    """Read a file of outcomes; a last line that a kill cut off is left out. Raises DataError for another file."""
    try:
        lines = path.read_bytes().split(b"\n")
        header = Header(**json.loads(lines[0])["of"])
        rows = [json.loads(line) for line in lines[1:-1] if line]
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = error.strerror if isinstance(error, OSError) else "its lines are others"
        raise DataError(f"{path} holds no outcomes of an evaluation ({said}): name another file.") from error
    return OutcomeFile(path, header, {row.pop("item"): row for row in rows})


@contextmanager
def appending(path: Path, header: Header) -> Iterator["Appending"]:
    """Lend a file of outcomes to append to, a new one or one that was broken off.

    Raises DataError for one that is of something else.
    """
    found: dict[int, Outcome] = {}
    first = json.dumps({"of": asdict(header)}) + "\n"
    whole = path.read_bytes() if path.exists() else b""
    if not first.encode().startswith(whole):
        there = read_outcomes(path)
        check_same(there.path, there.header, header)
        found = there.outcomes
        if not whole.endswith(b"\n"):  # what was being written when it was killed
            with path.open("r+b") as file:
                file.truncate(whole.rfind(b"\n") + 1)
    else:
        path.write_text(first, encoding="utf-8")
        sync(path)
    with path.open("a", encoding="utf-8") as file:
        yield Appending(file, found)


@dataclass(frozen=True)
class Appending:
    """An open file of outcomes, and those that were in it."""

    file: Any
    found: dict[int, Outcome]

    def add(self, outcomes: Mapping[int, Outcome]) -> None:
        """Write outcomes to the disk."""
        self.file.write("".join(json.dumps({"item": item} | row) + "\n" for item, row in outcomes.items()))
        self.file.flush()
        os.fsync(self.file.fileno())


def check_same(path: Path, found: Header, wanted: Header) -> None:
    """Raise DataError, naming the first difference, unless outcomes go together."""
    for name, value in asdict(wanted).items():
        if (other := getattr(found, name)) != value:
            raise DataError(
                f"{path} has outcomes of another {name}: {other}, and this is {value}. Name another file, "
                "or delete that one."
            )


def put_together(files: Sequence[OutcomeFile]) -> dict[int, Outcome]:
    """Join the outcomes of all parts. Raises DataError where they are of different things, or some are missing."""
    outcomes: dict[int, Outcome] = {}
    for file in files:
        check_same(file.path, file.header, files[0].header)
        outcomes |= file.outcomes
    missing = [item for item in range(files[0].header.n_items) if item not in outcomes]
    if missing:
        raise DataError(
            f"{len(missing):,} of {files[0].header.n_items:,} items have no outcome in {files[0].path.name}"
            f"{' and the others' if len(files) > 1 else ''}, the first is item {missing[0]:,}: run the same command "
            "again to go on, or name the other parts, too."
        )
    return dict(sorted(outcomes.items()))
