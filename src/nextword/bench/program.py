"""The interface of a measured program, nextword or another."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar


class WritingProgram(ABC):
    """A program that writes with a GPT-2, in a process of its own.

    It is made without arguments, and imports what it needs only when it is
    asked to do something: importing is part of loading. `model` is always a
    directory in Hugging Face's layout, `scratch` one for the program's own files.
    """

    name: ClassVar[str]
    precisions: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    """The packages without which it is absent."""

    def prepare(self, model: str, scratch: str, precision: str) -> None:  # noqa: B027  (few have something to do)
        """Bring the weights into the program's own format, once, into scratch. Not measured."""

    @abstractmethod
    def load(self, model: str, scratch: str, precision: str, threads: int, n_rows: int) -> None:
        """Be ready to write n_rows texts side by side."""

    @abstractmethod
    def write(self, prompts: Sequence[Sequence[int]], n_tokens: int) -> list[list[int]]:
        """Continue each prompt greedily by exactly n_tokens, the prompts side by side; give back the new ids."""

    @abstractmethod
    def logits(self, ids: Sequence[int]) -> list[float]:
        """Compute the logits (V,) after these ids."""

    @classmethod
    def cold_start(cls, model: str, scratch: str, precision: str, prompt: str, threads: int) -> list[str] | None:
        """Give the command that prints a prompt and its continuation; None if there is none."""
        return None


class TrainingProgram(ABC):
    """A program that trains a GPT-2, in a process of its own."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def train(
        self, model: str, text: str, scratch: str, batch_size: int, window: int, n_steps: int, threads: int
    ) -> dict[str, list[float]]:
        """Make some updates, without dropout, on batches of windows from the text.

        Gives back `seconds`, one number an update, the first of which warms
        up, and `losses`, the one before each update, in nats a token.
        """


def program_class(spec: str) -> type[WritingProgram]:
    """Import a program's class by its name: `module:Class`."""
    module, _, name = spec.partition(":")
    found: type[WritingProgram] = getattr(importlib.import_module(module), name)
    return found
