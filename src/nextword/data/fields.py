"""The part of a record that is its text: given by a path, or guessed, or asked for."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from nextword.commands import command
from nextword.errors import DataError

Columns = dict[str, list[str]]
"""The first texts of each column, by its path."""

EACH = "*"  # in a path: every element of a list
WHOLE = ""  # the path of a record that is a text itself
EXAMPLE = 30  # characters
N_COLUMNS = 12  # that are shown
SEVERAL_WORDS = re.compile(r"[^\W\d_]\W*\s\W*[^\W\d_]")
NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{6}")
ADDRESS = re.compile(r"\w+://\S+|www\.\S+|[\w.+-]+@[\w.-]+\.\w+|[\w./~-]+\.\w+(?:[/:?#]\S*)?", re.ASCII)
ID = re.compile(r"(?=[A-Za-z_.:-]*[0-9])[A-Za-z0-9_.:-]+")
DATE_WORD = re.compile(
    "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}"
    "|t|z|am|pm|utc|gmt|st|nd|rd|th|[年月日]",
    re.IGNORECASE,
)
DATE = re.compile(r"(?=.*\d)[\w\s:./,+-]{1,40}")
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Field:
    """The path of the text in a record, such as `text` or `messages.0.content`, and whether it was guessed."""

    path: str
    guessed: bool = False


def texts_at(value: Any, path: str) -> Iterator[Any]:
    """Follow a path of names, numbers and * into a record: nothing, one value, or with * several.

    A name with dots in it is tried first.
    """
    if path == WHOLE:
        yield value
        return
    if isinstance(value, dict) and path in value:
        yield value[path]
        return
    step, _, rest = path.partition(".")
    if step == EACH and isinstance(value, list):
        for element in value:
            yield from texts_at(element, rest)
    elif isinstance(value, dict) and step in value:
        yield from texts_at(value[step], rest)
    elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        yield from texts_at(value[int(step)], rest)


def columns(values: Iterable[Any]) -> Columns:
    """Collect the texts in records by their paths; a column without any text is there, empty."""
    found: Columns = {}
    for value in values:
        for path, cell in _leaves(value, ""):
            found.setdefault(path, []).extend([cell] if isinstance(cell, str) else [])
    return found


def has_column(columns: Columns, asked: str) -> bool:
    """Whether a path, perhaps with numbers in it, is that of a column."""
    return asked in columns or any(_fits(asked, path) for path in columns)


def choose_field(
    name: str, kind: str, columns: Columns, asked: str | None, quoted: bool = True, or_else: str = ""
) -> Field:
    """Choose the path of the text.

    quoted: whether `name` is a file's, which a command can name. or_else: another way out, for the messages' end.
    Raises DataError, with the columns, where none is asked for and it is not clear, or where that is not there.
    """
    if asked is not None:
        if has_column(columns, asked):
            return Field(asked)
        close = difflib.get_close_matches(asked, columns, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise DataError(f"{name}: this is {kind} without a column {asked!r}. {hint}{_listed(columns)}{or_else}")
    texts = {path: cells for path, cells in columns.items() if any(cells)}
    if [*texts] == [WHOLE]:
        return Field(WHOLE)
    prose = [path for path, cells in texts.items() if _is_prose(cells)]
    labels = [path for path, cells in texts.items() if _mostly(_is_label, cells)]
    clear = prose if prose or len(texts) != 1 or labels else [*texts]
    if len(clear) == 1 and EACH not in clear[0].split("."):
        return Field(clear[0], guessed=True)
    likeliest = max(texts, key=lambda path: sum(map(len, texts[path])) / len(texts[path]), default=None)
    if likeliest is None:
        raise DataError(f"{name}: this is {kind} without a column of text. {_listed(columns)}{or_else}")
    unclear = f"{len(clear)} columns of it may be" if len(clear) > 1 else "no single column of it is clearly"
    if len(texts) == len(labels) == 1:
        unclear = "its only column of text holds ids, dates, web addresses or the like, which are hardly"
    source = name if quoted else "..."
    which = "it" if len(texts) == 1 else "one"
    raise DataError(
        f"{name}: this is {kind}, and {unclear} the text to learn from. {_listed(texts)} Choose {which} with "
        f"`field`, such as: {command('train', '--data', source, '--field', likeliest)}{or_else}"
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Take a record apart: the paths and values in it that are neither objects nor lists."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "":  # pandas writes its row numbers under no name; and no name is the path of the whole
                continue
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for inner in value[:2]:
            yield from _leaves(inner, f"{path}.{EACH}" if path else EACH)
    else:
        yield path, value


def _fits(asked: str, path: str) -> bool:
    """Whether a path with numbers in it is this one, with * in their places."""
    pairs = [*zip(asked.split("."), path.split("."), strict=False)]
    same = all(a == b or (b == EACH and a.isdecimal()) for a, b in pairs)
    return same and asked.count(".") == path.count(".")


def _is_prose(cells: list[str]) -> bool:
    """Whether most of some texts have several words, or are long in a script without spaces."""
    return _mostly(
        lambda cell: bool(SEVERAL_WORDS.search(cell) or NO_SPACES.search(cell)) and not _is_label(cell), cells
    )


def _is_label(cell: str) -> bool:
    """Whether a text is a web address, a file name, an id, a number or a date."""
    cell = cell.strip()
    is_date = DATE.fullmatch(cell) and all(map(DATE_WORD.fullmatch, LETTERS.findall(cell)))
    return bool(ADDRESS.fullmatch(cell) or ID.fullmatch(cell) or is_date)


def _mostly(test: Callable[[str], bool], cells: list[str]) -> bool:
    """Whether most texts pass a test, of those that are not blank."""
    cells = [cell for cell in cells if cell.strip()]
    return sum(map(test, cells)) * 2 > len(cells)


def _listed(columns: Columns) -> str:
    """List columns with an example of each."""
    shown = [f"{path or 'itself'} ({_example(cells)})" for path, cells in [*columns.items()][:N_COLUMNS]]
    more = [f"{len(columns) - N_COLUMNS} more"] if len(columns) > N_COLUMNS else []
    return f"It has {', '.join([*shown, *more]) or 'no columns'}."


def _example(cells: list[str]) -> str:
    text = " ".join(next((cell for cell in cells if cell.strip()), "").split())
    return repr(text if len(text) <= EXAMPLE else f"{text[:EXAMPLE]}...") if text else "no text"
