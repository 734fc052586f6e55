"""The parts of a GPT-2 by their names: what an answer may take from earlier exercises."""

from types import ModuleType
from typing import Any

from nextword.learn.checker.exercise import resolve
from nextword.learn.checker.track import TRACK

GIVEN = {"LayerNorm": "nextword.model.block:LayerNorm", "GPTConfig": "nextword.config:GPTConfig"}
"""Parts that no exercise asks for by name, but that several may use."""


class OurParts(ModuleType):
    """A module `parts` in which every part is the package's own."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        symbols = (exercise.symbols for exercise in TRACK)  # as far as it is looked at: it is imported on the way
        place = GIVEN.get(name) or next((known[name] for known in symbols if name in known), None)
        if place is None:
            known_names = sorted({*GIVEN, *(symbol for exercise in TRACK for symbol in exercise.symbols)})
            raise AttributeError(f"there is no part {name!r}: there are {', '.join(known_names)}")
        return resolve(place)
