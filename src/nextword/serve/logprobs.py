"""Log-probabilities of a text's tokens, as requests ask for them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Logprobs(NamedTuple):
    """A token's log-probability and the likeliest tokens', natural, in the model's own distribution."""

    logprob: float
    top: list[tuple[int, float]]  # likeliest first; of equals the lower id first


def logprobs_of(id: int, logits: NDArray[np.float32], n_top: int) -> Logprobs:
    """Compute the log-probabilities of a token and of the n_top likeliest, from logits (V,).

    Equal logits have equal log-probabilities, to the last bit: if the token is
    one of the likeliest, its logprob is that of `top[0]`.
    """
    highest = logits.max()
    total = float(highest) + math.log(np.exp(logits - highest).sum(dtype=np.float64))
    if n_top == 0:
        best: list[int] = []
    elif n_top == 1:
        best = [int(logits.argmax())]
    else:
        # argpartition says nothing of the order among equals, so all that equal the last of them take part.
        last = np.partition(logits, -n_top)[-n_top] if n_top < len(logits) else -np.inf
        among = np.flatnonzero(logits >= last)
        best = among[np.argsort(-logits[among], kind="stable")][:n_top].tolist()
    return Logprobs(float(logits[id]) - total, [(other, float(logits[other]) - total) for other in best])
