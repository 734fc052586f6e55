"""Parse the flags and the prompt of every verb, so that all look and fail alike."""

import ast
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import reduce
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tyro

from nextword.commands import command, quoted
from nextword.errors import SettingError

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

SETTING = re.compile(r"`([a-z]\w*)(?:=([^`]*))?`")
"""A setting in a message of the library, as Python writes it: `lr`, `batch_size=2`, `init='runs/a'`."""


def parse(settings: type[T], verb: str, arguments: list[str], default: T | None = None) -> T:
    """Read a verb's flags into its dataclass, whose docstrings are the help.

    Exits with 2 for flags that are not the verb's. Raises ValueError where the
    dataclass refuses what it is given.
    """
    # tyro would print what the dataclass raises in a frame of its own, so it is given one that checks nothing.
    nothing = {
        "__doc__": settings.__doc__,
        "__post_init__": lambda self: None,
        "__annotations__": flag_types(settings),
    }
    unchecked: Any = type(settings.__name__, (settings,), nothing)
    options = {"default": unchecked(**values(default))} if default is not None else {}
    with readable_width():
        given = tyro.cli(
            unchecked, prog=command(*verb.split()), args=added_up(arguments, settings), config=CONFIG, **options
        )
    return settings(**{name: at_home(value) if name in PATHS else value for name, value in values(given).items()})


def flag_types(settings: type) -> dict[str, Any]:
    """List the types for tyro to make flags of: text for paths, and no hint for None.

    Where None is the default, the help says what is done instead, and `(default: None)` is not added.
    """
    kinds = get_type_hints(settings, include_extras=True)
    for field in fields(settings):
        kind = text_for_paths(kinds[field.name])
        if field.default is None:
            kind = without_none(kind)
        if field.default is None and get_origin(kinds[field.name]) is not Annotated:
            kind = Annotated[kind, tyro.conf.arg(help_behavior_hint="")]
        kinds[field.name] = kind
    return kinds


def text_for_paths(kind: Any) -> Any:
    """Replace `str | Path` in a type by str: a path on the command line is text."""
    if isinstance(kind, UnionType):
        return reduce(or_, [one for one in get_args(kind) if one is not Path])
    if get_origin(kind) is tuple:
        return tuple[tuple(text_for_paths(one) for one in get_args(kind))]  # type: ignore[misc]
    return kind


def without_none(kind: Any) -> Any:
    """Let tyro read `Literal[...] | None` as the words alone: it would name None among them, and refuse it."""
    named = [one for one in get_args(kind) if one is not NoneType]
    if len(named) != 1 or get_origin(named[0]) is not Literal:
        return kind
    words = get_args(named[0])
    spec: Any = tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{{','.join(words)}}}",
        instance_from_str=lambda given: given[0],
        is_instance=lambda value: value is None or value in words,
        str_from_instance=lambda value: [str(value)],
        choices=words,
    )
    return Annotated[kind, spec]


OTHERS = {"resume", "overwrite", "val", "part", "merge", "nproc", "minutes", "seeds", "stride", "file", "numbers"}
"""Flags that messages name, and that are no settings of a training run."""


def in_flags(message: str) -> str:
    """Write a message's settings as flags: `lr` becomes --lr, `batch_size=2` --batch-size 2, `resume=True` --resume.

    What is no setting stays: a message may quote another program's.
    """
    if "`" not in message:
        return message
    from nextword.train import TrainConfig

    settings = {field.name for field in fields(TrainConfig)} | OTHERS

    def flag(found: re.Match[str]) -> str:
        name, value = flag_of(found[1]), found[2]
        if found[1] not in settings:
            return found[0]
        if value is None or value == "True":
            return name
        try:
            meant = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return f"{name} {value}"
        return " ".join([name, *(quoted(one) for one in (meant if isinstance(meant, tuple) else (meant,)))])

    return SETTING.sub(flag, message)


def error_in_flags(error: Exception) -> str:
    """Write an error's message on one line, with flags in the place of settings."""
    said = f"{flag_of(error.name)} {error.fault}" if isinstance(error, SettingError) else str(error)
    return in_flags(" ".join(said.split()))


def flag_of(name: str) -> str:
    """Write a setting's name as its flag."""
    return f"--{name.replace('_', '-')}"


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
    """Map the dataclass's fields to their values."""
    return {field.name: getattr(settings, field.name) for field in fields(settings)}


def read_prompt(verb: str, given: str | None) -> str:
    """Return the prompt that was given, or else standard input, without the line break at its end.

    It has the line ends that a training text has, and no byte order mark, which `"$(cat prompt.txt)"` may bring along.
    Raises ValueError where nobody sends one, and for bytes that are no UTF-8.
    """
    from nextword.data.encodings import plain_lines, to_text

    def advice(encoding: str | None) -> str:
        return f"Convert it: iconv -f {encoding or 'ITS-ENCODING'} -t UTF-8 prompt.txt | {command(*verb.split())}"

    if given is not None:
        return plain_lines(given)
    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError(f"There is no prompt: {command(*verb.split(), 'Every effort moves you')}")
    # As bytes: Python's own reading goes by the locale, and leaves Windows' line ends as they are.
    bytes_of = getattr(sys.stdin, "buffer", None)
    text = plain_lines(sys.stdin.read()) if bytes_of is None else to_text("the prompt", bytes_of.read(), advice=advice)
    return text.removesuffix("\n")
