"""What would be said: the head's answer to what stands in the residual stream, a few positions at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword.lens.labelled import Axis, Labelled
from nextword.model import GPT

ROWS = 64  # positions whose logits are made at a time: 13 MB of them


class Said(NamedTuple):
    """What would be said at some positions: the n likeliest tokens (T, n), the best first, and their ln p (T, n)."""

    ids: Tensor
    logprob: Tensor


@torch.no_grad()
def said(model: GPT, x: Tensor, n: int = 1) -> Said:
    """The n likeliest tokens, by what the head reads at each position: x (T, C), already through the last norm."""
    parts = [likeliest(logits, total, n) for logits, total in scores(model, x)]
    return Said(*(torch.cat(part) for part in zip(*parts, strict=True)))


def scores(model: GPT, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The logits of a few positions after the other, (ROWS, V), with what to take off for ln p, (ROWS, 1)."""
    for rows in x.split(ROWS):
        logits = model.head(rows).float()
        yield logits, log_sum(logits)


def likeliest(logits: Tensor, total: Tensor, n: int) -> Said:
    """The n likeliest of each row, or all there are."""
    best = logits.topk(min(n, logits.size(-1)), dim=-1)
    return Said(best.indices, best.values - total)


def log_sum(logits: Tensor) -> Tensor:
    """ln of the sum of exp, from which probabilities follow: (..., V) -> (..., 1).

    By way of softmax, since 1/p of the likeliest is the sum over its own share,
    and PyTorch's logsumexp takes five times as long on a CPU.
    """
    highest = logits.amax(-1, keepdim=True)
    return highest - logits.softmax(-1).amax(-1, keepdim=True).log()


def guesses(
    chances: Sequence[Sequence[float]] | Sequence[NDArray[np.floating[Any]]],
    words: Sequence[Sequence[str]],
    tokens: Sequence[str],
) -> Labelled:
    """The layers' guesses with labels: of the embeddings and after each block, a chance and a word at each token."""
    return Labelled(
        np.array(chances),
        (Axis("after", layer_names(len(chances))), Axis("token", tokens)),
        "what each layer would say next",
        "probability",
        np.array(words, dtype=object),
    )


def layer_names(n: int) -> list[str]:
    """What the rows of the logit lens are called: the embedding, then each block."""
    return ["embed", *(f"h.{layer}" for layer in range(n - 1))]
