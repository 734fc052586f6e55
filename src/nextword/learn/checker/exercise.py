"""Exercises: a task, the known mistakes, and experiments that tell them apart.

The learner's answer is a black box. Each `Probe` is a small experiment with it,
and the very same experiments are made with the exercise's reference, which can
make every known mistake on purpose. Whose results agree with the learner's,
that is what the learner wrote; `diagnosis.py` searches for it.
"""

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

Mistakes = frozenset[str]
"""The names of the mistakes that a reference is asked to make."""

RIGHT: Mistakes = frozenset()
"""No mistake: the right answer."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that people are known to make, in words.

    equals: what such an answer is; it goes on after "Your answer equals". remedy:
    what to do, in a line or two. why: why it is wrong, or goes unnoticed, for
    those who want to understand more than this one line.
    """

    name: str
    equals: str
    remedy: str
    why: str


@dataclass(frozen=True)
class Probe:
    """A small experiment with an answer: `run(solution)` -> what is seen.

    That may be a tensor, a number, a text, or a list, tuple or dictionary of
    these; an exception counts as something seen. It must not depend on random
    numbers that the answer draws, unless it is a `comparing.Near`. name: what is
    looked at, in words: "a row of 12 numbers".
    """

    name: str
    run: Callable[[Any], Any]


@dataclass(frozen=True)
class Exercise:
    """One small thing to write, and all that is needed to teach and check it.

    symbols: each name that the learner writes -> where our own is, "module:name",
    which is also the solution, unless there is an `example`. stub: the file that
    the learner completes, where `\"\"\"@name\"\"\"` stands for our docstring of that
    name and `...` for what is to be written. hints: each says more than the one
    before. reference: the mistakes to make -> an object with the symbols, which
    computes in float64 where that is the default. probes: the smallest first,
    since a learner is shown the first one that differs. inner: mistakes in what
    an answer is built from, which the reference can make as well: for those who
    bring parts of their own. example: the name of the answer that is the solution
    where our own does more.
    expectations: what each probe sees of the reference, as far as it was asked.
    """

    name: str
    title: str
    task: str
    symbols: Mapping[str, str]
    stub: str
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    reference: Callable[[Mistakes], Any]
    probes: tuple[Probe, ...]
    inner: tuple[Mistake, ...] = ()
    example: str = ""
    expectations: dict[Mistakes, list[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def mistake(self, name: str) -> Mistake:
        """The mistake of that name. Raises KeyError where there is none."""
        return {mistake.name: mistake for mistake in (*self.inner, *self.mistakes)}[name]

    def ours(self, symbol: str) -> Any:
        """The package's own of a symbol."""
        return resolve(self.symbols[symbol])

    def code(self) -> str:
        """Fill in the stub: our docstrings, and NotImplementedError for each body to be written."""
        text = re.sub(r'^( *)"""@([\w.]+)"""$', self._docstring, self.stub.strip("\n"), flags=re.MULTILINE)
        unwritten = rf'\1raise NotImplementedError("{" and ".join(self.symbols)}: still to be written")'
        return re.sub(r"^( +)\.\.\.$", unwritten, text, flags=re.MULTILINE) + "\n"

    def _docstring(self, found: re.Match[str]) -> str:
        indent, (symbol, _, attribute) = found[1], found[2].partition(".")
        documented = self.ours(symbol)
        if attribute:
            documented = inspect.getattr_static(documented, attribute)
        doc = inspect.getdoc(documented) or ""
        closing = "\n" if "\n" in doc else ""
        return textwrap.indent(f'"""{doc}{closing}"""', indent, lambda line: line != "\n")


def resolve(place: str) -> Any:
    """What stands at "module:name" or "module:Class.name"."""
    module, _, path = place.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found
