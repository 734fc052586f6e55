"""Texts that are records rather than prose: JSON, JSON lines, and tables with a row of names (CSV, TSV)."""

import csv
import itertools
import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nextword.tokenizer.vocab import END_OF_TEXT

SUFFIXES = {
    ".json": "JSON",
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".ipynb": "a Jupyter notebook",
    ".csv": "a table (CSV)",
    ".tsv": "a table (TSV)",
}
DELIMITERS = {",": "a table (CSV)", ";": "a table (CSV)", "\t": "a table (TSV)"}
N_RECORDS = 50  # that are looked at
N_ROWS = 4  # that a table has at least, besides its names
LARGE = 10_000_000  # characters; JSON longer than that is known by its two ends

OBJECT = re.compile(r'\s*\[?\s*\{\s*"[^"\n]{0,200}"\s*:')
NAME = re.compile(r"[^\W\d](?:[\w ./()-]{0,39}[\w)])?")


@dataclass(frozen=True)
class Records:
    """The kind of records that a text holds, and by column the first few texts."""

    kind: str
    columns: dict[str, list[str]]
    delimiter: str = ","

    @property
    def longest(self) -> str | None:
        """The column with the longest texts, the most likely one to learn from; None without columns."""
        return max(self.columns, key=lambda name: sum(map(len, self.columns[name])), default=None)


def find_records(name: str, text: str) -> Records | None:
    """Find the records in a text, by its content, else by its file's name; None for possible prose."""
    found = _json(text) if text.lstrip()[:1] in ("[", "{") else _table(text)
    if found is None and (kind := SUFFIXES.get(Path(name).suffix.lower())):
        return Records(kind, {})
    return found


def refusal(name: str, records: Records, quoted: bool = True) -> str:
    """Describe refused records: their columns, and a command that takes out the likeliest one.

    quoted: whether `name` is a file's, which a command can read.
    """
    columns = f" with the columns {', '.join(list(records.columns)[:12])}" if records.columns else ""
    command = _command(name, records) if quoted else None
    remedy = f"Take its texts out first: {command}" if command else "Take its texts out of it first."
    return (
        f"{name}: this is {records.kind}{columns}, and plain text is expected. {remedy} "
        "(Or add `as_text=True`, to learn from it as it stands, with all its marks.)"
    )


def _command(name: str, records: Records) -> str | None:
    """Write the command that takes the likeliest column into a text file, a document for each text."""
    stem = Path(name).with_suffix("")
    target = shlex.quote(f"{stem}-texts.txt" if name.endswith(".txt") else f"{stem}.txt")
    if records.kind == "a Jupyter notebook":
        return f"jupyter nbconvert --to markdown {shlex.quote(name)}"
    if records.longest is None:
        return None
    key, file, delimiter = (json.dumps(word, ensure_ascii=False) for word in (records.longest, name, records.delimiter))
    opened = f'open({file}, encoding="utf-8-sig", newline="")'
    texts = {
        "JSON lines": f"json.loads(line)[{key}] for line in {opened} if line.strip()",
        "JSON": f"record[{key}] for record in json.load({opened})",
    }.get(records.kind, f"row[{key}] for row in csv.DictReader({opened}, delimiter={delimiter})")
    program = f'import csv, json; print("{END_OF_TEXT}".join({texts}))'
    return f"python3 -c {shlex.quote(program)} > {target}"


def _json(text: str) -> Records | None:
    """Recognise JSON lines, or JSON: one value that is the whole text."""
    lines = [line for line in itertools.islice(_lines(text), N_RECORDS) if line.strip()]
    values = [_parsed(line) for line in lines]
    if len(values) > 1 and all(isinstance(value, (dict, list)) for value in values):
        return Records("JSON lines", _columns(values))
    whole = _parsed(text)
    if isinstance(whole, dict) and "nbformat" in whole:
        return Records("a Jupyter notebook", {})
    if isinstance(whole, (dict, list)) and whole:
        return Records("JSON", _columns(whole[:N_RECORDS]) if isinstance(whole, list) else {})
    if OBJECT.match(text) and text.rstrip()[-1] in "]}":  # JSON that is damaged, or too long to be read for this
        return Records("JSON", {})
    return None


def _table(text: str) -> Records | None:
    """Recognise a table: a row of different names over rows of as many cells.

    They begin without the spaces of prose.
    """
    first = text[: text.find("\n") + 1 or None].strip("\n")
    for delimiter, kind in DELIMITERS.items():
        names = _cells(first, delimiter)
        if len(names) < 2 or len(set(names)) < len(names) or not all(map(NAME.fullmatch, names)):
            continue
        try:
            rows = list(itertools.islice(csv.reader(_lines(text), delimiter=delimiter, strict=True), N_RECORDS + 1))[1:]
        except csv.Error:
            continue
        rows = [row for row in rows if row]
        spaced = sum(cell.startswith(" ") for row in rows for cell in row[1:])
        if len(rows) < N_ROWS or any(len(row) != len(names) for row in rows) or spaced * 4 >= len(rows):
            continue
        columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
        if not any(name in cells for name, cells in columns.items()):  # as the names of a play's speakers are
            return Records(kind, columns, delimiter)
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _lines(text: str) -> Iterable[str]:
    """Yield the text's lines, with \n, without splitting a text of a gigabyte for its first few."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _parsed(text: str) -> Any:
    """Parse a text as JSON; None for other text, and for text too long to parse."""
    try:
        return json.loads(text) if len(text) <= LARGE else None
    except (ValueError, RecursionError):
        return None


def _columns(values: list[Any]) -> dict[str, list[str]]:
    """Collect the texts of records by their names: {"a": ["x", "y"], ...}."""
    columns: dict[str, list[str]] = {}
    for value in values:
        for name, cell in value.items() if isinstance(value, dict) else ():
            columns.setdefault(name, []).extend([cell] if isinstance(cell, str) else [])
    return columns
