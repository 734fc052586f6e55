"""The learner's own parts of a GPT-2 by their names, for the exercises that come later."""

import difflib
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.parts import GIVEN, OurParts
from nextword.learn.checker.track import TRACK
from nextword.learn.course.folder import Course
from nextword.learn.course.importing import load_symbol
from nextword.weights.matching.places import our_shapes


class LearnersParts(OurParts):
    """A module `parts` with the learner's own parts, as far as they passed their check unchanged.

    All others are the package's own, so that an early mistake never cascades. A
    part of the learner's that cannot be had is told of; with `tell_all`, for
    those who want the whole, so is every part that is not the learner's, and GPT
    begins with the weights that their init_weights draws.

    file: the learner's folder, or any file in it. being_checked: the exercise
    whose symbols are not for having, since they are what is being written.
    """

    def __init__(self, file: str | Path, *, tell_all: bool = False, being_checked: str | None = None):
        super().__init__("parts")
        path = Path(file)
        self._course = Course(path if path.is_dir() else path.parent)
        self._tell_all = tell_all
        self._being_checked = being_checked
        self._loading: list[str] = []
        self._noted: set[str] = set()
        self.__file__ = str(self._course.path / "parts.py")
        self.notes: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # What no exercise asks for is known without importing them all.
        exercise = None if name in GIVEN else next((exercise for exercise in TRACK if name in exercise.symbols), None)
        if exercise is None:
            return self._layer_norm() if name == "LayerNorm" else self._given(name)
        if exercise.name == self._being_checked:
            raise ImportError(f"{name} is what this exercise asks you to write: it cannot come from parts")
        part = self._part(exercise, name)
        return initialised(part, self.init_weights) if name == "GPT" and self._tell_all else part

    def _given(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            known = (*GIVEN, *(symbol for exercise in TRACK for symbol in exercise.symbols))
            near = difflib.get_close_matches(name, known, n=1)
            message = f"there is no part {name!r}{f': did you mean {near[0]}?' if near else ''}"
            if self._tell_all:  # a package, of which others may ask whether it has a name
                raise AttributeError(message) from None
            raise ImportError(message) from None  # of another error `from parts import` would not tell the message

    def _part(self, exercise: Exercise, symbol: str) -> Any:
        reason = self._try(exercise, symbol)
        if isinstance(reason, SimpleNamespace):
            return reason.part
        if reason and reason not in self._noted:
            self._noted.add(reason)
            self._note(f"parts: {symbol} is nextword's own here: {reason}")
        return exercise.ours(symbol)

    def _try(self, exercise: Exercise, symbol: str) -> SimpleNamespace | str:
        """Import the learner's part into a namespace, or give the reason against it; "" for an obvious one."""
        file = self._course.files(exercise.name)[0].name
        if exercise.name in self._loading:
            return f"{file} is still being imported (files that import each other)."
        record = self._course.progress[exercise.name]
        if not record.passed:
            return f"{file} has not passed its check." if self._tell_all else ""
        if not self._course.passed(exercise.name):
            number = TRACK.number(exercise.name)
            return f"{file} has changed since it passed: {self._course.command('check', number)}"
        self._loading.append(exercise.name)
        try:
            return SimpleNamespace(part=load_symbol(self._course, exercise, symbol, self))
        except (Exception, SystemExit) as error:
            return f"{file} cannot be imported ({type(error).__name__}: {error})."
        finally:
            self._loading.pop()

    def _layer_norm(self) -> Any:
        """Our LayerNorm, computing with the learner's layer_norm once it has passed."""
        ours: Any = super().__getattr__("LayerNorm")
        if "layer_norm" not in TRACK.names:
            return ours
        compute = self._part(TRACK["layer_norm"], "layer_norm")

        class LayerNorm(ours):  # type: ignore[misc]
            __doc__ = ours.__doc__

            def __init__(self, n_embd: int, ops: Any = None):
                super().__init__(n_embd, ops or SimpleNamespace(layer_norm=compute))

        return LayerNorm

    def _note(self, note: str) -> None:
        self.notes.append(note)
        if self._being_checked is None:  # in a check the report tells it
            print(note, file=sys.stderr)


def initialised(gpt: Any, init_weights: Callable[[Any], object]) -> Any:
    """Make a class GPT that draws its weights by init_weights, under our names.

    A model with names of its own is left to its own way of beginning: by names
    alone init_weights would take a LayerNorm for a matrix.
    """

    class GPT(gpt):  # type: ignore[misc]
        __doc__ = gpt.__doc__

        def __init__(self, config: Any):
            super().__init__(config)
            if not hasattr(self, "config"):
                self.config = config
            if set(our_shapes(config, "gpt")) <= {name for name, _ in self.named_parameters()}:
                init_weights(self)

    return GPT
