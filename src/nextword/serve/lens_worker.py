"""Answer the page's questions one after another, in a thread of their own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

from nextword.model import GPT
from nextword.serve.reading import Reader, ReadText
from nextword.serve.refusals import DisconnectedError

R = TypeVar("R")

MAX_WAITING = 64  # questions


class BusyError(Exception):
    """As many questions wait as may wait."""


async def never_disconnected() -> bool:
    """Never disconnected; the default."""
    return False


class LensWorker:
    """Holds the page's model and the texts that it has read.

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
        self._n_waiting = 0

    def replace(self, model: GPT, step: int | None = None) -> None:
        """Replace the weights, from the next question on."""
        if model.config != self.config:
            raise ValueError(f"The new weights are another model's: {model.config}, where {self.config} is served.")

        def take() -> None:
            self.model, self._reader = model.eval(), Reader(model)
            self.step, self.version = step, new_version()

        self._thread.submit(take)

    async def ask_in_parts(
        self,
        ids: Sequence[int],
        questions: Sequence[Callable[[ReadText], R]],
        is_disconnected: Callable[[], Awaitable[bool]] = never_disconnected,
    ) -> tuple[str, list[R]]:
        """Answer some questions about one text, so that others have their turn in between.

        is_disconnected: whether the client has gone, which is asked before
        each. Gives the version of the weights and the answers, all of that one:
        where newer weights come in between, all is asked anew, since half an
        answer of each would be no model's. Raises DisconnectedError if the client has gone, and
        BusyError where too many wait already.
        """
        if self._n_waiting >= MAX_WAITING:
            raise BusyError(f"{self._n_waiting} questions about the model are waiting already.")
        self._n_waiting += 1
        try:
            while True:
                found = [await self.do(partial(self._answer, ids, question), is_disconnected) for question in questions]
                if len(versions := {version for version, _ in found}) == 1:
                    return versions.pop(), [answer for _, answer in found]
        finally:
            self._n_waiting -= 1

    async def do(self, work: Callable[[], R], is_disconnected: Callable[[], Awaitable[bool]] = never_disconnected) -> R:
        """Do something in the worker's thread, in its turn, without gradients. Raises DisconnectedError as above."""

        def without_gradients() -> R:
            with torch.no_grad():
                return work()

        async with self._turn:
            if await is_disconnected():
                raise DisconnectedError
            return await asyncio.get_running_loop().run_in_executor(self._thread, without_gradients)

    def _answer(self, ids: Sequence[int], question: Callable[[ReadText], R]) -> tuple[str, R]:
        return self.version, question(self._reader.read(ids))

    def close(self) -> None:
        """End the thread, after the question that it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def new_version() -> str:
    """Name weights that have just been loaded."""
    return f"{time.time_ns():x}"
