"""The order of the exercises: from text to a model of one's own that trains and writes."""

from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

from nextword.learn.checker.exercise import Exercise

EXERCISES = "nextword.learn.exercises"
"""The package of the exercises, each a package whose `__init__.py` has its CHAPTER and its PLACE there, a number."""

CHAPTERS = ("data", "parts", "attention", "the model", "training", "writing", "weights", "electives")


class Track:
    """All exercises in their order, each imported when it is first asked for."""

    @cached_property
    def chapters(self) -> dict[str, tuple[str, ...]]:
        """The exercises' names, by chapters."""
        found: dict[str, list[tuple[float, str]]] = {chapter: [] for chapter in CHAPTERS}
        for module in iter_modules(import_module(EXERCISES).__path__):
            folder = import_module(f"{EXERCISES}.{module.name}")
            found[folder.CHAPTER].append((folder.PLACE, module.name))
        return {chapter: tuple(name for _, name in sorted(places)) for chapter, places in found.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The exercises' names, in their order."""
        return tuple(name for names in self.chapters.values() for name in names)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Exercise]:
        return (self[name] for name in self.names)

    def __getitem__(self, name: str) -> Exercise:
        exercise: Exercise = import_module(f"{EXERCISES}.{name}.exercise").EXERCISE
        return exercise

    def number(self, name: str) -> int:
        """An exercise's place in the order, from 1."""
        return self.names.index(name) + 1

    def chapter(self, name: str) -> str:
        """The chapter that an exercise belongs to."""
        return next(chapter for chapter, names in self.chapters.items() if name in names)


TRACK = Track()
