"""What a learner has done so far, in `.progress.json`: passed, tried, met, hinted.

{"version": 1, "exercises": {"layer_norm": {
    "passed": true,                         its last check was right
    "sha256": "ab12...",                    of the code that was checked last
    "attempts": 3,                          checks, each of other code than the one before
    "mistakes": {"unbiased-variance": 2},   those that were named, and how often
    "hints": 1,                             how many were shown
    "solution_seen": false,                 whether the solution was shown before it first passed
    "passed_at": "2026-01-31T17:05:00"      when it first passed
}}}
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from nextword.commands import command
from nextword.errors import NextwordError
from nextword.runtime import replacing
from nextword.runtime.locks import alone

VERSION = 1


@dataclass
class Record:
    """What was done at one exercise; see above."""

    passed: bool = False
    sha256: str = ""
    attempts: int = 0
    mistakes: dict[str, int] = field(default_factory=dict)
    hints: int = 0
    solution_seen: bool = False
    passed_at: str = ""

    @property
    def overcome(self) -> tuple[str, ...]:
        """The mistakes met on the way to a passed exercise."""
        return tuple(self.mistakes) if self.passed else ()


class ProgressError(NextwordError, ValueError):
    """A `.progress.json` that cannot be read."""


class Progress:
    """The records in one file. Every change is written at once, whole, and safe from other processes."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> dict[str, Record]:
        """All records by the exercises' names. Raises ProgressError for a file that is not ours."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            return {name: Record(**record) for name, record in json.loads(text)["exercises"].items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProgressError(
                f"{self.path} cannot be read as progress ({error}): rename it, and "
                f"`{command('learn', 'check', 'all')}` finds out anew what passes."
            ) from None

    def __getitem__(self, name: str) -> Record:
        """The record of one exercise; an empty one where nothing was done."""
        return self.read().get(name, Record())

    def checked(
        self, name: str, passed: bool, sha256: str, mistakes: Sequence[str] = (), attempted: bool = True
    ) -> Record:
        """Note the outcome of a check of the code with this SHA-256; a stub is no attempt."""
        with self._changing(name) as record:
            if attempted and record.sha256 != sha256:  # the same code again is not another attempt
                record.attempts += 1
                for mistake in mistakes:
                    record.mistakes[mistake] = record.mistakes.get(mistake, 0) + 1
            record.sha256, record.passed = sha256, passed
            if passed:
                record.passed_at = record.passed_at or datetime.now().isoformat(timespec="seconds")
        return record

    def hinted(self, name: str, n_hints: int) -> Record:
        """Note that one more of an exercise's hints was shown."""
        with self._changing(name) as record:
            record.hints = min(record.hints + 1, n_hints)
        return record

    def solution_seen(self, name: str) -> None:
        """Note that an exercise's solution was shown before it passed."""
        with self._changing(name) as record:
            record.solution_seen = record.solution_seen or not record.passed_at

    def begun_again(self, name: str) -> None:
        """Note that an exercise was reset; its history stays."""
        with self._changing(name) as record:
            record.passed, record.sha256 = False, ""

    @contextmanager
    def _changing(self, name: str) -> Iterator[Record]:
        with alone(self.path):
            records = self.read()
            record = records.setdefault(name, Record())
            yield record
            content = {"version": VERSION, "exercises": {key: asdict(value) for key, value in records.items()}}
            with replacing(self.path) as beside:
                beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
