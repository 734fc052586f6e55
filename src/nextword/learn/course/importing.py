"""Run a learner's file as a module, and take an exercise's symbols from it."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise
from nextword.learn.course.folder import Course


class MissingSymbol(Exception):
    """A learner's file lacks a symbol of the exercise; there: the names that it has."""

    def __init__(self, symbol: str, file: str, there: tuple[str, ...]):
        super().__init__(f"{file} has no {symbol}")
        self.symbol, self.file, self.there = symbol, file, there


def load(course: Course, exercise: Exercise, parts: ModuleType) -> SimpleNamespace:
    """The learner's symbols of an exercise, from files that import earlier ones from these parts.

    Raises MissingSymbol, or whatever the files raise while they run.
    """
    return SimpleNamespace(**{symbol: load_symbol(course, exercise, symbol, parts) for symbol in exercise.symbols})


def load_symbol(course: Course, exercise: Exercise, symbol: str, parts: ModuleType) -> Any:
    """One of the learner's symbols; see `load`."""
    file, theirs = course.place(exercise.name, symbol)
    with parts_being(parts):
        module = run_file(course, file) if file.endswith(".py") else run_module(course, file)
    found: Any = module
    for name in theirs.split("."):
        if not hasattr(found, name):
            there = tuple(key for key, value in vars(module).items() if belongs(value, module) and key[0] != "_")
            raise MissingSymbol(theirs, file, there)
        found = getattr(found, name)
    return found


def belongs(value: Any, module: ModuleType) -> bool:
    """Whether a function or a class was written in this module, and not imported."""
    return callable(value) and getattr(value, "__module__", "") == module.__name__


def run_file(course: Course, place: str) -> ModuleType:
    """The module of a file, given relative to the learner's folder; a file runs once in a process.

    Python's own cache of compiled files looks at whole seconds, so that what is
    saved twice in one could be missed: here the source is read each time.
    """
    path = (course.path / place).resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(path) and module.__name__ != "__main__":
            return module
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_of_the_learner"
    module = ModuleType(name)
    module.__file__ = str(path)
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    with on_path(path.parent, course.path):
        sys.modules[name] = module  # dataclasses and pickle look for it there
        try:
            exec(code, module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return module


def run_module(course: Course, name: str) -> ModuleType:
    """A module by its dotted name, from the learner's folder or from the one around it."""
    with on_path(course.path.resolve(), course.path.resolve().parent):
        return importlib.import_module(name)


@contextmanager
def on_path(*folders: Path) -> Iterator[None]:
    """Let imports find what stands in these folders."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.resolve()) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def parts_being(parts: ModuleType) -> Iterator[None]:
    """Let `from parts import ...` find these parts. They stay if there were none before, for imports in functions."""
    before = sys.modules.get("parts")
    sys.modules["parts"] = parts
    try:
        yield
    finally:
        if before is not None:
            sys.modules["parts"] = before
