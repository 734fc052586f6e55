"""Records of a text, one after the other: of JSON, JSON lines, and tables.

Each reader takes a text in parts, and holds one record and one part of it at most.
"""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from nextword.data.records import CSV, JSON_LINES, TSV, RecordKind
from nextword.errors import DataError

Row = tuple[int, Any]
"""A record, with the number of the line in which it begins, from 1."""

LONGEST_CELL = 2**31 - 1
LONGEST_NAME = 100
EXCERPT = 40  # characters of a line that is broken
TAIL = 16  # characters: no word or escape of JSON is longer, so a fault before them is none of a cut


def rows(name: str, parts: Iterable[str], kind: RecordKind) -> Iterator[Row]:
    """Read the records of a text of this kind. Raises DataError for a broken one, with its line."""
    if kind.name in (CSV, TSV):
        return _table_rows(name, lines(parts), kind)
    return _json_lines(name, lines(parts)) if kind.name == JSON_LINES else _json_values(name, parts)


def lines(parts: Iterable[str]) -> Iterator[str]:
    """Split a text that comes in parts into its lines, each with its \\n."""
    held: list[str] = []  # the beginning of a line
    for part in parts:
        *whole, rest = part.split("\n")
        for line in whole:
            yield "".join([*held, line, "\n"]) if held else f"{line}\n"
            held = []
        if rest:
            held.append(rest)
    if held:
        yield "".join(held)


def _json_lines(name: str, lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            cut = not line.endswith("\n")
            what = "was cut off" if cut else "is no JSON"
            remedy = (
                "Download or make the file again, or take out its last line: sed '$d'"
                if cut
                else f"Mend this line, or take it out: sed {number}d"
            )
            raise DataError(
                f"{name}: line {number} {what} ({_fault(error)}): {_excerpt(line)}. {remedy} OLD.jsonl > NEW.jsonl"
            ) from error


def _json_values(name: str, parts: Iterable[str]) -> Iterator[Row]:
    """Read the values of a list, or else the values that stand one after the other."""
    text = _Ahead(parts)
    in_list = text.next_character() == "["
    if in_list:
        text.step()
        if text.next_character() == "]":
            return
    try:
        while text.next_character():
            line = text.line
            yield line, text.value()
            if in_list and (mark := text.next_character()) != ",":
                if mark != "]":
                    raise ValueError(f"expected , or ] but found {mark or 'the end'}")
                return
            if in_list:
                text.step()
        if in_list:
            raise ValueError("it ends within a list")
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{name}: damaged JSON at line {text.line} ({_fault(error)}): {_excerpt(text.rest())}. "
            "Mend it, or make the file again."
        ) from error


class _Ahead:
    """A text in parts, from which JSON is read value by value."""

    def __init__(self, parts: Iterable[str]):
        self._parts, self._text, self._at, self.line = iter(parts), "", 0, 1
        self._decoder = json.JSONDecoder()

    def next_character(self) -> str:
        """Go to the next character that is not white space; "" at the end."""
        while True:
            rest = len(self._text)
            at = next((at for at in range(self._at, rest) if not self._text[at].isspace()), rest)
            self._go_to(at)
            if at < rest or not self._read_on():
                return self._text[at : at + 1]

    def step(self) -> None:
        """Pass over one character."""
        self._go_to(self._at + 1)

    def rest(self) -> str:
        """What stands next."""
        return self._text[self._at : self._at + EXCERPT + 1]

    def value(self) -> Any:
        """Read a value, of which the next character is the first."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - TAIL or error.msg.startswith("Unterminated string")
                if not (cut and self._read_on()):
                    raise
            else:
                if end < len(self._text) or not self._read_on():  # the next part may go on with a number
                    self._go_to(end)
                    return value

    def _go_to(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at

    def _read_on(self) -> bool:
        """Read on, as much again as is waiting, so that a long value is not begun too often."""
        rest = self._text[self._at :]
        parts = [rest]
        for part in self._parts:
            parts.append(part)
            if sum(map(len, parts)) > 2 * len(rest):
                break
        self._text, self._at = "".join(parts), 0
        return len(self._text) > len(rest)


def _table_rows(name: str, lines: Iterable[str], kind: RecordKind) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    quoting: Any = csv.QUOTE_MINIMAL if kind.quoted else csv.QUOTE_NONE
    reader = csv.reader(lines, delimiter=kind.delimiter, strict=kind.quoted, quoting=quoting)
    names: list[str] = []
    first, empty = 1, True
    try:
        for cells in reader:
            line, first = first, reader.line_num + 1
            if not cells or (line == 1 and cells == ["sep=", ""]):  # in which Excel names the delimiter
                continue
            if not names:
                names = cells
                _check_names(name, names)
            elif len(cells) != len(names):
                raise DataError(
                    f"{name}: the row at line {line} has {len(cells)} cells, where the first row has {len(names)}: "
                    f"{_excerpt(kind.delimiter.join(cells))}. Mend it: a cell with a {_called(kind.delimiter)} or a "
                    "line break in it stands in quotes, and a quote in such a cell is doubled."
                )
            else:
                empty = False
                yield line, dict(zip(names, cells, strict=True))
        if names and empty:
            raise without_rows(name, kind.name, names)
    except csv.Error as error:
        raise DataError(
            f"{name}: the row at line {first} is broken ({error}). Mend it: a quote is missing, or not doubled."
        ) from error


def without_rows(name: str, kind: str, names: Iterable[str]) -> DataError:
    """Make the error for a table that has columns and no rows."""
    return DataError(
        f"{name}: this is {kind} that has no rows. Its columns are: {', '.join(names)}. "
        "Expected text to learn from: add rows, or name another source."
    )


def _check_names(name: str, names: list[str]) -> None:
    """Raise DataError for a first row with one name twice, a number or a long text."""
    strange = [one for one, group in itertools.groupby(sorted(filter(None, names))) if len([*group]) > 1]
    strange += [one for one in names if len(one) > LONGEST_NAME or one.replace(".", "").isdecimal()]
    strange += [] if any(names) else [""]
    if strange:
        raise DataError(
            f"{name}: the first row of a table is expected to name its columns, and {_excerpt(strange[0])} is no name "
            "of one column. Write a row of names above the others."
        )


def _called(delimiter: str) -> str:
    return {"\t": "tab", ",": "comma", ";": "semicolon"}.get(delimiter, repr(delimiter))


def _fault(error: Exception) -> str:
    return f"{error.msg}, character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def _excerpt(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= EXCERPT else f"{text[:EXCERPT]}...")
