"""The data of a task, from a file in one of its usual formats or from the hub."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from nextword.data.arrow import arrow_rows
from nextword.data.containers import ARROW, PARQUET, recognise, refusal
from nextword.data.files import SourceFile, file_at, unreadable
from nextword.data.hub import PREFIX, find_dataset
from nextword.data.packed import compression, decompressed
from nextword.data.records import find_records
from nextword.data.rows import rows
from nextword.data.text_stream import decoded
from nextword.errors import DataError

HEAD = 65536


@dataclass(frozen=True)
class TaskData:
    """The rows of a table or of JSON, or else the text of a file.

    sha256 (hex) identifies it.
    """

    name: str
    rows: list[Any] | None
    text: str
    sha256: str

    def column(self, name: str) -> list[Any]:
        """Take one column of the rows. Raises DataError where a row lacks it."""
        return [value[name] for value in self.having(name)]

    def having(self, *names: str) -> list[Any]:
        """Take the rows. Raises DataError where there are none, or where one lacks a column of these names."""
        if not self.rows:
            raise DataError(f"{self.name}: expected records with {', '.join(names)}, and there is none.")
        for number, value in enumerate(self.rows, 1):
            missing = [name for name in names if not isinstance(value, dict) or name not in value]
            if missing:
                has = f"has {', '.join(value)}" if isinstance(value, dict) else "is no record"
                raise DataError(f"{self.name}: record {number} {has}, and {missing[0]} is missing.")
        return self.rows


def read_task_data(source: str) -> TaskData:
    """Read `hub:owner/name[/config][:split]`, a file of records (jsonl, json, csv, tsv, parquet), or a text.

    Raises DataError where it cannot be had.
    """
    if source.startswith(PREFIX):
        dataset = find_dataset(source)
        return TaskData(source, [value for _, value in dataset.rows()], "", dataset.sha256().hex())
    try:
        file = file_at(source)
        return read_file(file, file.sha256().hex())
    except OSError as error:
        raise unreadable(error, source, "Name the file of the task's data.") from error


def read_file(file: SourceFile, sha256: str) -> TaskData:
    """Read a file, packed or not."""
    head = file.head(HEAD)
    if suffix := compression(head):
        return read_file(decompressed(file, suffix), sha256)
    kind = recognise(file.known_as, head, [])
    if kind and kind.name in (PARQUET, ARROW):
        return TaskData(file.name, [value for _, value in arrow_rows(file, kind.name)], "", sha256)
    if kind:
        raise DataError(refusal(file.name, kind))
    parts = decoded(file, None, True)
    beginning = next(parts, "")
    more = next(parts, None)
    records = find_records(file.known_as, beginning, more is None)
    whole: Iterator[str] = chain([beginning], [] if more is None else [more], parts)
    if records:
        return TaskData(file.name, [value for _, value in rows(file.name, whole, records)], "", sha256)
    return TaskData(file.name, None, "".join(whole), sha256)


def digest(parts: Iterable[str]) -> str:
    """Identify texts by one SHA-256."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
