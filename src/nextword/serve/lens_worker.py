"""The model as the page asks it: one question after another, in a thread of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

from nextword.model import GPT
from nextword.serve.reading import Reader, Text

R = TypeVar("R")

ASKING = 64  # who may ask at once, most of them waiting for their turn


class GoneError(Exception):
    """Whoever asked does not wait for the answer any more."""


class BusyError(Exception):
    """There are as many asking as may ask."""


async def stays() -> bool:
    """What is known of someone who cannot go: that he has not."""
    return False


class LensWorker:
    """Holds the model that the page looks into, and what it has read.

    name: what the model is called. step: after how many updates of its run its
    weights were saved, if it is a run. version: of the weights; no other
    weights, of this server or of an earlier one, have the same.
    """

    def __init__(self, model: GPT, name: str, step: int | None = None):
        self.model = model.eval()
        self.name, self.config = name, self.model.config
        self.step, self.version = step, new_version()
        self._reader = Reader(self.model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nextword-lens")
        self._turn = asyncio.Lock()  # who waited longest comes next
        self._n_asking = 0

    def replace(self, model: GPT, step: int | None = None) -> None:
        """Look into this model from the next question on: the same one, with other weights."""
        if model.config != self.config:
            raise ValueError(f"The new weights are another model's: {model.config}, where {self.config} is served.")

        def take() -> None:
            self.model, self._reader = model.eval(), Reader(model)
            self.step, self.version = step, new_version()

        self._thread.submit(take)

    async def ask_in_parts(
        self,
        ids: Sequence[int],
        questions: Sequence[Callable[[Text], R]],
        gone: Callable[[], Awaitable[bool]] = stays,
    ) -> tuple[str, list[R]]:
        """Answer some questions about one text, so that others have their turn in between.

        gone: whether the answers are not wanted any more, which is asked before
        each. Gives the version of the weights and the answers, all of that one:
        where newer weights come in between, all is asked anew, since half an
        answer of each would be no model's. Raises GoneError if nobody waits, and
        BusyError where too many ask already.
        """
        if self._n_asking >= ASKING:
            raise BusyError(f"{self._n_asking} questions about the model are waiting already.")
        self._n_asking += 1
        try:
            while True:
                found = [await self.do(partial(self._answer, ids, question), gone) for question in questions]
                if len(versions := {version for version, _ in found}) == 1:
                    return versions.pop(), [answer for _, answer in found]
        finally:
            self._n_asking -= 1

    async def do(self, work: Callable[[], R], gone: Callable[[], Awaitable[bool]] = stays) -> R:
        """Do something in the worker's thread, in its turn, without gradients. Raises GoneError where nobody waits."""

        def without_gradients() -> R:
            with torch.no_grad():
                return work()

        async with self._turn:
            if await gone():
                raise GoneError
            return await asyncio.get_running_loop().run_in_executor(self._thread, without_gradients)

    def _answer(self, ids: Sequence[int], question: Callable[[Text], R]) -> tuple[str, R]:
        return self.version, question(self._reader.read(ids))

    def close(self) -> None:
        """End the thread, after the question that it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def new_version() -> str:
    """A name for weights that have just been loaded."""
    return f"{time.time_ns():x}"
