"""Parse the flags and the prompt of every verb, so that all look and fail alike."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

import tyro

from nextword.commands import command

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)
else:
    T = TypeVar("T")

LEAST_COLUMNS = 40
"""In five columns or fewer tyro never ends, and takes all memory; in a few more nobody can read what it writes."""

PATHS = ("model", "weights", "init", "out", "dir", "folder")
"""The settings of all verbs that are paths, or may be; besides, `train` knows its own, in Python too."""

CONFIG = (
    tyro.conf.FlagCreatePairsOff,  # --resume, without a --no-resume
    tyro.conf.DisallowNone,  # --lr FLOAT, not --lr {None}|FLOAT
)


def parse(settings: type[T], verb: str, arguments: list[str], default: T | None = None) -> T:
    """Read a verb's flags into its dataclass, whose docstrings are the help.

    Exits with 2 for flags that are not the verb's. Raises ValueError where the
    dataclass refuses what it is given.
    """
    # tyro would print what the dataclass raises in a frame of its own, so it is given one that checks nothing.
    nothing = {"__doc__": settings.__doc__, "__post_init__": lambda self: None}
    unchecked: Any = type(settings.__name__, (settings,), nothing)
    options = {"default": unchecked(**values(default))} if default is not None else {}
    with readable_width():
        given = tyro.cli(
            unchecked, prog=command(*verb.split()), args=added_up(arguments, settings), config=CONFIG, **options
        )
    return settings(**{name: at_home(value) if name in PATHS else value for name, value in values(given).items()})


def at_home(path: Any) -> Any:
    """Expand a leading ~ in a path: a shell leaves it in --out=~/x."""
    return os.path.expanduser(path) if isinstance(path, str) else path


@contextmanager
def readable_width() -> Iterator[None]:
    """Let tyro write in LEAST_COLUMNS at least, however narrow the terminal is. Outside, COLUMNS is what it was."""
    given = os.environ.get("COLUMNS", "")
    os.environ["COLUMNS"] = str(max(LEAST_COLUMNS, shutil.get_terminal_size().columns))
    try:
        yield
    finally:
        if given.isdecimal() and int(given) > 0:
            os.environ["COLUMNS"] = given
        else:
            del os.environ["COLUMNS"]  # rich would take 0 for a width


def added_up(arguments: list[str], settings: type) -> list[str]:
    """Merge a repeated flag of several values into one: --data a --data b is --data a b.

    Without that the last one would be all that is heard. A flag that is made to be repeated (`UseAppendAction`) takes
    one value each time, and stays as it is.
    """
    kinds = get_type_hints(settings, include_extras=True)
    several = [name for name, kind in kinds.items() if get_origin(kind) is tuple]
    given: dict[str, list[str]] = {f"--{name.replace('_', '-')}": [] for name in several}
    others: list[str] = []
    named: list[str] = []
    flag = None
    for word in arguments:
        name, is_whole, value = word.partition("=")
        if name in given:
            named.append(name)
            given[name] += [value] if is_whole else []
            flag = None if is_whole else name
        elif flag is not None and (word == "-" or not word.startswith("-")):
            given[flag].append(word)
        else:
            flag = None
            others.append(word)
    return others + [word for name in dict.fromkeys(named) for word in (name, *given[name])]


def values(settings: "DataclassInstance") -> dict[str, Any]:
    """The dataclass's fields by name, as they are."""
    return {field.name: getattr(settings, field.name) for field in fields(settings)}


def read_prompt(verb: str, given: str | None) -> str:
    """The prompt that was given, or else standard input, without the line break at its end.

    It has the line ends that a training text has, and no byte order mark, which `"$(cat prompt.txt)"` may bring along.
    Raises ValueError where nobody sends one, and for bytes that are no UTF-8.
    """
    from nextword.data.encodings import plain_lines, to_text

    def advice(encoding: str | None) -> str:
        return f"Convert it: iconv -f {encoding or 'ITS-ENCODING'} -t UTF-8 prompt.txt | {command(verb)}"

    if given is not None:
        return plain_lines(given)
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError(f"There is no prompt: {command(verb, 'Every effort moves you')}")
    # As bytes: Python's own reading goes by the locale, and leaves Windows' line ends as they are.
    bytes_of = getattr(sys.stdin, "buffer", None)
    text = plain_lines(sys.stdin.read()) if bytes_of is None else to_text("the prompt", bytes_of.read(), advice=advice)
    return text.removesuffix("\n")
