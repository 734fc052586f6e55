"""The sampler: from a text's logits and a random number to its next token."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.decode.checks import check_finite
from nextword.decode.logits_processors import History, asked_for, process
from nextword.decode.sampling import Sampling
from nextword.native.build import library

Draw = Callable[[NDArray[np.float32], Sampling, float], int]


def draw(logits: NDArray[np.float32], sampling: Sampling, number: float) -> int:
    """Draw by temperature, top-k and top-p: logits (V,) and a number in [0, 1) -> id.

    In C if there is a compiler, else in PyTorch; `choose.choose` says what is drawn.
    """
    return draw_in_torch(logits, sampling, number) if library() is None else draw_in_c(logits, sampling, number)


def draw_in_torch(logits: NDArray[np.float32], sampling: Sampling, number: float) -> int:
    """Draw with `choose`, as it is read."""
    import torch

    from nextword.decode.choose import choose

    return int(choose(sampling, torch.from_numpy(np.array(logits))[None], torch.tensor([number]).double()))


def draw_in_c(logits: NDArray[np.float32], sampling: Sampling, number: float) -> int:
    """Draw with choose.c, which does not sort all logits."""
    from nextword.native.calling import call, pointer

    V, logits = len(logits), np.ascontiguousarray(logits)
    top_k = V if sampling.top_k is None else min(sampling.top_k, V)
    id: int = call("choose", pointer(logits), V, sampling.temperature, top_k, sampling.top_p, number)
    if id < 0:
        raise MemoryError("There is no memory left to choose a token in.")
    return id


class Sampler:
    """Chooses one text's tokens by its logits, its sampling settings and its history.

    prompt: ids that repetition_penalty counts besides those that are written.
    """

    def __init__(self, sampling: Sampling, prompt: Sequence[int] = ()):
        self.sampling, self._processes = sampling, bool(asked_for(sampling))
        self._history = History(prompt)

    def choose(
        self, logits: NDArray[np.float32], number: float, forbidden: Collection[int] = (), draw: Draw = draw
    ) -> int:
        """Choose the next token by its logits (V,), which stay unchanged, and a number in [0, 1).

        forbidden: ids that may not be drawn this time. Raises NotFiniteError for logits that are no numbers.
        """
        check_finite(logits.max(keepdims=True))  # -inf elsewhere is how a model forbids a token
        id = draw(self.processed(logits, forbidden), self.sampling, number)
        self._history.written[id] += 1
        return id

    def processed(self, logits: NDArray[np.float32], forbidden: Collection[int] = ()) -> NDArray[np.float32]:
        """Apply the logits processors to a copy of logits (V,), if there are any to apply."""
        if not (self._processes or forbidden):
            return logits
        logits = logits.copy()
        logits[list(forbidden)] = -np.inf
        process(logits, self.sampling, self._history)
        return logits
