"""Right answers in several people's styles, each with the mistakes that can be planted in it.

Below a line of a style file, a comment `#~ name: code` says how the line would
read in an answer that makes the mistake of that name. Several of them with one
name in a row are several lines; one without code deletes the line. The code
may be indented relative to the line that it replaces.
"""

import linecache
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import ModuleType
from typing import Any

from nextword.learn.checker.exercise import Mistakes
from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.track import EXERCISES

DIRECTIVE = re.compile(r"^\s*#~ ([\w.=-]+):(?: (.*))?$")


@dataclass(frozen=True)
class Style:
    """A right answer to an exercise in one person's style, with mistakes to plant in it."""

    exercise: str
    name: str
    text: str

    @cached_property
    def lines(self) -> tuple[tuple[str, dict[str, list[str]]], ...]:
        """Each line of code, and the lines that each mistake puts in its place."""
        found: list[tuple[str, dict[str, list[str]]]] = []
        for line in self.text.splitlines():
            directive = DIRECTIVE.match(line)
            if directive is None:
                found.append((line, {}))
                continue
            code, replaced = found[-1]
            there = replaced.setdefault(directive[1], [])
            if directive[2]:
                there.append(code[: len(code) - len(code.lstrip())] + directive[2])
        return tuple(found)

    @cached_property
    def mistakes(self) -> tuple[str, ...]:
        """The names of the mistakes that can be planted here, in the order of the file."""
        return tuple(dict.fromkeys(name for _, replaced in self.lines for name in replaced))

    def source(self, *mistakes: str) -> str:
        """Write the answer's code with these mistakes planted in it.

        Raises KeyError for one that the style does not know, and ValueError for
        two that change the same line.
        """
        if unknown := set(mistakes) - set(self.mistakes):
            raise KeyError(*sorted(unknown))
        lines: list[str] = []
        for code, replaced in self.lines:
            planted = [replaced[name] for name in mistakes if name in replaced]
            if any(other != planted[0] for other in planted):
                raise ValueError(f"{self.exercise}, {self.name}: {', '.join(mistakes)} change one line: {code.strip()}")
            lines += planted[0] if planted else [code]
        return "\n".join(lines) + "\n"


@cache
def styles(exercise: str) -> tuple[Style, ...]:
    """The styles that the package has for an exercise."""
    try:
        folder = files(f"{EXERCISES}.{exercise}") / "answers"
    except ModuleNotFoundError:
        return ()
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".py")), key=lambda file: file.name)
    return tuple(Style(exercise, file.name[:-3], file.read_text(encoding="utf-8")) for file in found)


def planted(exercise: str, style: str) -> Callable[[Mistakes], Any]:
    """Make the reference of an exercise: an answer of this style, with the mistakes planted in it.

    Where two mistakes change the same line there, it is the first other answer
    in which they do not. The reference raises ValueError for mistakes that no
    answer can make together, and for a style that is not there.
    """

    def reference(mistakes: Mistakes) -> Any:
        names = [answer.name for answer in styles(exercise)]
        if style not in names:
            raise ValueError(f"The exercise {exercise} has no answer {style}.py to be its reference: it has {names}.")
        for answer in sorted(styles(exercise), key=lambda answer: answer.name != style):
            with suppress(KeyError, ValueError):
                source = answer.source(*mistakes)
                return run_source(source, f"{exercise}_{answer.name}")
        raise ValueError(f"No answer to {exercise} can make these mistakes together: {', '.join(mistakes)}.")

    return reference


def run_source(source: str, name: str, parts: ModuleType | None = None) -> Any:
    """Run an answer's code; give back its module. Earlier parts that it imports are ours, unless others are given."""
    filename = f"{name}.py"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = ModuleType(name)
    module.__file__ = filename
    before: Mapping[str, ModuleType] = {key: sys.modules[key] for key in ("parts", name) if key in sys.modules}
    sys.modules["parts"] = parts or OurParts("parts")
    sys.modules[name] = module  # dataclasses look for it there
    try:
        exec(compile(source, filename, "exec"), module.__dict__)
    finally:
        del sys.modules["parts"], sys.modules[name]
        sys.modules.update(before)
    return module
