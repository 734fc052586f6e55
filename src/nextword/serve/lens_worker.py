"""The model as the page asks it: one question after another, in a thread of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

from nextword.foreign import ForeignGPT
from nextword.lens.subjects import subject
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

    name: what the model is called. One of a user's own class is taken for one of
    ours with its weights; raises ValueError where it computes something else.
    """

    def __init__(self, model: GPT | ForeignGPT, name: str):
        self.model = whole(model)
        self.name, self.config = name, self.model.config
        self._reader = Reader(self.model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nextword-lens")
        self._turn = asyncio.Lock()  # who waited longest comes next
        self._n_asking = 0

    def replace(self, model: GPT | ForeignGPT) -> None:
        """Look into this model from the next question on: the same one, with other weights. Raises as the first did."""
        newer = whole(model)
        if newer.config != self.config:
            raise ValueError(f"The new weights are another model's: {newer.config}, where {self.config} is served.")

        def take() -> None:
            self.model, self._reader = newer, Reader(newer)

        self._thread.submit(take)

    async def ask(
        self, ids: Sequence[int], question: Callable[[Text], R], gone: Callable[[], Awaitable[bool]] = stays
    ) -> R:
        """Read a text and answer a question about it, in its turn. Raises as `ask_in_parts` does."""
        [answer] = await self.ask_in_parts(ids, [question], gone)
        return answer

    async def ask_in_parts(
        self,
        ids: Sequence[int],
        questions: Sequence[Callable[[Text], R]],
        gone: Callable[[], Awaitable[bool]] = stays,
    ) -> list[R]:
        """Answer some questions about one text, so that others have their turn in between.

        gone: whether the answers are not wanted any more, which is asked before
        each. Raises GoneError if so, and BusyError where too many ask already.
        """
        if self._n_asking >= ASKING:
            raise BusyError(f"{self._n_asking} questions about the model are waiting already.")
        self._n_asking += 1
        try:
            return [await self.do(partial(self._answer, ids, question), gone) for question in questions]
        finally:
            self._n_asking -= 1

    async def do(self, work: Callable[[], R], gone: Callable[[], Awaitable[bool]] = stays) -> R:
        """Do something in the worker's thread, in its turn, without gradients. Raises GoneError as `ask` does."""

        def without_gradients() -> R:
            with torch.no_grad():
                return work()

        async with self._turn:
            if await gone():
                raise GoneError
            return await asyncio.get_running_loop().run_in_executor(self._thread, without_gradients)

    def _answer(self, ids: Sequence[int], question: Callable[[Text], R]) -> R:
        return question(self._reader.read(ids))

    def close(self) -> None:
        """End the thread, after the question that it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def whole(model: GPT | ForeignGPT) -> GPT:
    """The model to look into: itself, or for one of a user's own class ours with its weights. Raises as `subject`."""
    n = min(model.config.n_ctx, model.config.n_vocab, 8)
    return subject(model, torch.arange(n, device=next(model.parameters()).device).unsqueeze(0)).eval()
