"""What a file holds: prose, or records with text in them, as documents one after the other."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from nextword.data import containers
from nextword.data.arrow import ARROW, PARQUET, arrow_rows
from nextword.data.encodings import plain_lines
from nextword.data.fields import Columns, Field, choose_field, columns, has_column, texts_at
from nextword.data.files import SourceFile, file_of
from nextword.data.folders import ChosenFiles, choose_files, without_text
from nextword.data.packed import compression, decompressed, zip_member, zip_members
from nextword.data.reading import STDIN, Reading
from nextword.data.records import CSV, JSON, JSON_LINES, N_RECORDS, NOTEBOOK, TSV, RecordKind, find_records
from nextword.data.rows import Row, rows
from nextword.data.text_stream import Piece, decoded, pieces
from nextword.errors import DataError

HEAD = 1 << 20  # bytes by which records are recognised
N_FURTHER = 10_000  # records of a table in which a column is looked for that the first ones lack
N_PATHS = 1000  # of columns that are kept, for a message, as it is looked for
LINE_BY_LINE = (JSON, JSON_LINES, CSV, TSV)
"""Kinds of records that have lines by which one can be found again."""

AS_IT_STANDS = " (Or add `as_text=True`, to learn from it as it stands, with all its marks.)"


class Content(Protocol):
    """A file's documents, as often as they are asked for."""

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Read the documents, long ones in pieces. Raises DataError, also where there is none."""
        ...


@dataclass(frozen=True)
class Prose:
    """A file of text."""

    file: SourceFile
    separator: str
    encoding: str | None = None
    strict: bool = True

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    def pieces(self) -> Iterator[Piece]:
        """Read the documents, as the separator parts them."""
        there = False
        for piece in pieces(decoded(self.file, self.encoding, self.strict), self.separator):
            there = True
            yield piece
        if not there:
            n_bytes = sum(map(len, self.file.blocks()))
            found = f"{n_bytes} bytes, all of them blank" if n_bytes else "empty"
            raise DataError(f"{self.name}: {found}. Expected text to learn from: add some, or name another source.")


@dataclass(frozen=True)
class Records:
    """Records, with the path of the text in each of them.

    tally: how many records the last reading that came to the end had, `all`, and how many of them were `blank`.
    """

    name: str
    kind: str
    field: Field
    rows: Callable[[], Iterator[Row]]
    tally: Counter[str] = dataclasses.field(default_factory=Counter, compare=False)

    def pieces(self) -> Iterator[Piece]:
        """Read the text of each record as a document. Blank ones are passed over, and records without it."""
        n_records = n_filled = 0
        for number, value in self.rows():
            there = False
            for text in texts_at(value, self.field.path):
                if text is None:
                    continue
                if not isinstance(text, str):
                    raise DataError(self._no_text(number, text))
                if text and not text.isspace():
                    there = True
                    yield plain_lines(text), True
            n_records += 1
            n_filled += there
        self.tally["all"], self.tally["blank"] = n_records, n_records - n_filled
        if not n_filled:
            where = f"column {self.field.path!r}" if self.field.path else "list"
            raise DataError(f"{self.name}: no text in its {where}. Choose another by `field`, or name another source.")

    def _no_text(self, number: int, value: Any) -> str:
        place = "the record at line" if self.kind in LINE_BY_LINE else "row"
        what = f"{self.field.path!r} is {_called(value)}" if self.field.path else f"there is {_called(value)}"
        return f"{self.name}: in {place} {number} {what}, and a text is expected. Mend it, or choose another `field`."


def contents(file: SourceFile, reading: Reading) -> list[Content]:
    """Find out what a file holds; an archive holds several. Raises DataError for what is no text."""
    head = file.head(HEAD)
    if suffix := compression(head):
        return contents(decompressed(file, suffix), reading)
    members = zip_members(file) if head.startswith(containers.ZIP_MARKS) else []
    if not reading.as_text:
        kind = containers.recognise(file.known_as, head, [name for name, _ in members])
        if kind and kind.name in (PARQUET, ARROW):
            return [records_of(file.name, kind.name, partial(arrow_rows, file, kind.name), reading)]
        if kind and (kind.name != containers.ZIP or not members):
            raise DataError(containers.refusal(file.name, kind))
    if members:
        return _archive(file, members, reading)
    prose = Prose(file, reading.separator, reading.encoding, strict=not reading.as_text)
    if reading.as_text:
        return [prose]
    small = len(head) < HEAD  # then it need not be opened again
    beginning, whole = _beginning(replace(prose, file=file_of(file.name, head)) if small else prose)
    records = find_records(file.known_as, beginning, whole)
    return [_text_records(prose, records, reading) if records else prose]


def _beginning(prose: Prose) -> tuple[str, bool]:
    """Decode the first megabyte of a text, and say whether that is all of it."""
    parts = decoded(prose.file, prose.encoding, prose.strict)
    return next(parts, ""), next(parts, None) is None


def _text_records(prose: Prose, kind: RecordKind, reading: Reading) -> Records:
    file = prose.file
    if kind.name == NOTEBOOK:
        raise DataError(containers.refusal(file.name, containers.NOTEBOOK_KIND))

    def read() -> Iterator[Row]:
        return rows(file.name, decoded(file, prose.encoding, prose.strict), kind)

    return records_of(file.name, kind.name, lambda path: read(), reading)


def records_of(name: str, kind: str, read: Callable[[str | None], Iterator[Row]], reading: Reading) -> Records:
    """Look at the first records, and choose their field; `read` gives the rows, of one field's path or whole."""
    first = [value for _, value in itertools.islice(read(None), N_RECORDS)]
    if not first:
        raise DataError(f"{name}: this is {kind} that has no records. Expected some: add them, or name another source.")
    or_else = AS_IT_STANDS if kind in LINE_BY_LINE else ""
    found = columns(first)
    if reading.field is not None and not has_column(found, reading.field):
        most = None if kind in (JSON, JSON_LINES) else N_FURTHER  # of a table each row has the same columns
        _look_further((value for _, value in itertools.islice(read(None), N_RECORDS, most)), reading.field, found)
    field = choose_field(name, kind, found, reading.field, name != STDIN, or_else)
    return Records(name, kind, field, lambda: read(field.path))


def _look_further(values: Iterator[Any], asked: str, found: Columns) -> None:
    """Read records until one has a column, and add to those found."""
    for value in values:
        more = columns([value])
        for path in more if len(found) < N_PATHS or has_column(more, asked) else ():
            found.setdefault(path, more[path])
        if has_column(more, asked):
            return


def _archive(file: SourceFile, members: list[tuple[str, int]], reading: Reading) -> list[Content]:
    """Look into the files of a ZIP archive: all those of a folder, or the only one."""
    alone = len(members) == 1
    found = ChosenFiles([members[0][0]]) if alone else choose_files(file.name, members, reading)
    inner = [zip_member(file, name) for name in found.chosen]
    filled = [one for one in inner if not one.is_blank()]
    if blank := len(inner) - len(filled):
        found.passed_over["blank"] = blank
    if not filled:
        raise without_text(file.name, "an archive", found.passed_over, reading)
    return [content for one in filled for content in contents(one, reading)]


def _called(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return {dict: "an object", list: "a list", int: "a number", float: "a number", bytes: "bytes"}.get(
        type(value), f"a {type(value).__name__}"
    )
