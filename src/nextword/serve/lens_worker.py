"""The model as the page asks it: one question after another, in a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from nextword.foreign import ForeignGPT
from nextword.lens.subjects import subject
from nextword.model import GPT
from nextword.serve.reading import Reader, Text

R = TypeVar("R")


class LensWorker:
    """Holds the model that the page looks into, and what it has read.

    name: what the model is called. One of a user's own class is taken for one of
    ours with its weights; raises ValueError where it computes something else.
    """

    def __init__(self, model: GPT | ForeignGPT, name: str):
        n = min(model.config.n_ctx, model.config.n_vocab, 8)
        self.model = subject(model, torch.arange(n, device=next(model.parameters()).device).unsqueeze(0)).eval()
        self.name, self.config = name, self.model.config
        self._reader = Reader(self.model)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nextword-lens")

    async def ask(self, ids: Sequence[int], question: Callable[[Text], R]) -> R:
        """Read a text and answer a question about it, in its turn."""
        return await self.do(lambda: question(self._reader.read(ids)))

    async def ask_in_parts(self, ids: Sequence[int], questions: Sequence[Callable[[Text], R]]) -> list[R]:
        """Answer some questions about one text, so that others have their turn in between."""
        return [await self.ask(ids, question) for question in questions]

    async def do(self, work: Callable[[], R]) -> R:
        """Do something in the worker's thread, in its turn, without gradients."""

        def without_gradients() -> R:
            with torch.no_grad():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, without_gradients)

    def close(self) -> None:
        """End the thread, after the question that it is at."""
        self._thread.shutdown(wait=True, cancel_futures=True)
