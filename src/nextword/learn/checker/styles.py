"""Right answers in several people's styles, each with the mistakes that can be planted in it.

Below a line of a style file, a comment `#~ name: code` says how the line would
read in an answer that makes the mistake of that name. Several of them with one
name in a row are several lines; one without code deletes the line. The code
may be indented relative to the line that it replaces.
"""

import linecache
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from types import ModuleType
from typing import Any

from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.track import EXERCISES

DIRECTIVE = re.compile(r"^\s*#~ ([\w.=-]+):(?: (.*))?$")


@dataclass(frozen=True)
class Style:
    """A right answer to an exercise as one person would write it, and the mistakes that they might make."""

    exercise: str
    name: str
    text: str

    @cached_property
    def mistakes(self) -> tuple[str, ...]:
        """The names of the mistakes that can be planted here, in the order of the file."""
        found = (DIRECTIVE.match(line) for line in self.text.splitlines())
        return tuple(dict.fromkeys(match[1] for match in found if match))

    def source(self, mistake: str | None = None) -> str:
        """The answer's code, with a mistake planted in it where one is named. Raises KeyError for an unknown one."""
        if mistake is not None and mistake not in self.mistakes:
            raise KeyError(mistake)
        lines: list[str] = []
        start = planting = 0  # where the last line of code stands, and how many lines replace it
        for line in self.text.splitlines():
            directive = DIRECTIVE.match(line)
            if directive is None:
                lines.append(line)
                start, planting = len(lines) - 1, 0
            elif directive[1] == mistake:
                if not planting:
                    original = lines[start]
                    indent = original[: len(original) - len(original.lstrip())]
                    del lines[start:]
                planting += 1
                if directive[2]:
                    lines.append(indent + directive[2])
        return "\n".join(lines) + "\n"


def styles(exercise: str) -> tuple[Style, ...]:
    """The styles that the package has for an exercise."""
    folder = files(f"{EXERCISES}.{exercise}") / "answers"
    if not folder.is_dir():
        return ()
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".py")), key=lambda file: file.name)
    return tuple(Style(exercise, file.name[:-3], file.read_text(encoding="utf-8")) for file in found)


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
