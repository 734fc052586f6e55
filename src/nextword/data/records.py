"""Texts that are records rather than prose: JSON, JSON lines, and tables with a row of names (CSV, TSV)."""

import csv
import io
import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JSON, JSON_LINES, NOTEBOOK = "JSON", "JSON lines", "a Jupyter notebook"
CSV, TSV = "a table (CSV)", "a table (TSV)"
SUFFIXES = {".json": JSON, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".ipynb": NOTEBOOK, ".csv": CSV, ".tsv": TSV}
DELIMITERS = {",": CSV, ";": CSV, "\t": TSV}
N_RECORDS = 50  # that are looked at
N_ROWS = 4  # that a table has at least, besides its names, where only its content shows that it is one
LARGE = 10_000_000  # characters; JSON longer than that is known by its beginning

OBJECT = re.compile(r'\s*\[?\s*\{\s*"[^"\n]{0,200}"\s*:')
STRINGS = re.compile(r'\s*\[\s*"(?:[^"\\]|\\.)*"\s*[],]')
SEPARATOR = re.compile(r"sep=([^\w\s\"']|\t)")
NAME = re.compile(r"[^\W\d](?:[\w ./()-]{0,39}[\w)])?")


@dataclass(frozen=True)
class RecordKind:
    """The kind of records that a text holds. Of a table: what stands between cells, and whether quotes hold them."""

    name: str
    delimiter: str = ","
    quoted: bool = True


def find_records(name: str, text: str, whole: bool = True) -> RecordKind | None:
    """Find the kind of a file's records, by content, else by name; None for prose.

    text: the file's, or unless `whole` its beginning.
    """
    named = SUFFIXES.get(Path(name).suffix.lower())
    if named in (JSON_LINES, NOTEBOOK):
        return RecordKind(named)
    lines = text.split("\n")
    if not whole and len(lines) > 1:  # the last line is cut somewhere
        lines.pop()
    if separator := SEPARATOR.fullmatch(lines[0]):  # the first line of a table that Excel wrote
        return RecordKind(DELIMITERS.get(separator[1], CSV), separator[1])
    found = _json(text, lines, whole) if text.lstrip()[:1] in ("[", "{") else _table(lines)
    if found is None and named in (CSV, TSV):
        return _named_table(lines, named)
    return found or (RecordKind(named) if named else None)


def _json(text: str, lines: list[str], whole: bool) -> RecordKind | None:
    """Recognise JSON lines, or JSON: one value that is the whole text."""
    first = [line for line in itertools.islice(lines, N_RECORDS) if line.strip()]
    values = [_parsed(line) for line in first]
    records = sum(isinstance(value, (dict, list)) for value in values)
    if len(values) > 1 and isinstance(values[0], (dict, list)) and records * 2 > len(values):
        return RecordKind(JSON_LINES)
    if whole:
        value = _parsed(text)
        if isinstance(value, dict) and "nbformat" in value:
            return RecordKind(NOTEBOOK)
        if isinstance(value, (dict, list)) and value:
            return RecordKind(JSON)
    if not (OBJECT.match(text) or STRINGS.match(text)):
        return None
    # Damaged, or too long to be read for this.
    return RecordKind(JSON) if not whole or text.rstrip()[-1] in "]}" else None


def _table(lines: list[str]) -> RecordKind | None:
    """Recognise a table: a row of different names over rows of as many cells.

    They begin without the spaces of prose.
    """
    for delimiter, kind in DELIMITERS.items():
        names = _cells(lines[0], delimiter)
        if len(names) < 2 or len(set(names)) < len(names) or not all(map(NAME.fullmatch, names[names[0] == "" :])):
            continue
        rows = _rows(lines, delimiter)
        if rows is None or len(rows) < N_ROWS or any(len(row) != len(names) for row in rows):
            continue
        spaced = sum(cell.startswith(" ") for row in rows for cell in row[1:])
        alike = any(name in {row[i] for row in rows} for i, name in enumerate(names))  # as the speakers in a play are
        if spaced * 4 < len(rows) and not alike:
            return RecordKind(kind, delimiter)
    return None


def _named_table(lines: list[str], kind: str) -> RecordKind:
    """Find out how a table is written, by its first line: the delimiter of most names."""
    delimiters = [delimiter for delimiter, known in DELIMITERS.items() if known == kind]
    delimiter = max(delimiters, key=lambda delimiter: len(_cells(lines[0], delimiter)))
    rows = _rows(lines, delimiter)
    n_names = len(_cells(lines[0], delimiter))
    fits = rows is not None and all(len(row) == n_names for row in rows)
    return RecordKind(kind, delimiter, quoted=fits or kind != TSV)


def _rows(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Read a table's first rows, without the names and blank ones; None where its quotes are wrong."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    try:
        return [row for row in itertools.islice(reader, 1, N_RECORDS + 1) if row]
    except csv.Error:
        return None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _parsed(text: str) -> Any:
    """Parse a text as JSON; None for other text, and for text too long to parse."""
    try:
        return json.loads(text) if len(text) <= LARGE else None
    except (ValueError, RecursionError):
        return None
