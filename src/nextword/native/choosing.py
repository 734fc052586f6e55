"""Choosing the next token in C: see choose.c."""

import numpy as np
from numpy.typing import NDArray

from nextword.native.calling import call, pointer


def choose(logits: NDArray[np.float32], temperature: float, top_k: int | None, top_p: float, number: float) -> int:
    """Choose the next token among logits (V,), as `decode.choose.choose` does, by a number in [0, 1)."""
    V = len(logits)
    id: int = call("choose", pointer(logits), V, temperature, V if top_k is None else min(top_k, V), top_p, number)
    if id < 0:
        raise MemoryError("There is no memory left to choose a token in.")
    return id
