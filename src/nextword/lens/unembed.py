"""The unembedding of the residual stream: the likeliest tokens by the head, a few positions at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword.lens.labelled import Axis, Labelled
from nextword.model import GPT

ROWS = 64  # positions whose logits are made at a time: 13 MB of them


class TopTokens(NamedTuple):
    """The n likeliest tokens at each position (T, n), the best first, and their logprobs (T, n)."""

    ids: Tensor
    logprob: Tensor


@torch.no_grad()
def top_tokens(model: GPT, x: Tensor, n: int = 1) -> TopTokens:
    """Find the n likeliest tokens at each position by x (T, C), already normalised."""
    parts = [likeliest(logits, total, n) for logits, total in unembed(model, x)]
    return TopTokens(*(torch.cat(part) for part in zip(*parts, strict=True)))


def unembed(model: GPT, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the logits of a few positions at a time, (ROWS, V), with their logsumexp (ROWS, 1)."""
    for rows in x.split(ROWS):
        logits = model.head(rows).float()
        yield logits, logsumexp(logits)


def likeliest(logits: Tensor, total: Tensor, n: int) -> TopTokens:
    """Pick the n likeliest tokens of each row, or all there are."""
    best = logits.topk(min(n, logits.size(-1)), dim=-1)
    return TopTokens(best.indices, best.values - total)


def logsumexp(logits: Tensor) -> Tensor:
    """Compute ln of the sum of exp, which turns logits into logprobs: (..., V) -> (..., 1).

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
    """Label the logit lens: a probability and a word at each token, for the embeddings and each block."""
    return Labelled(
        np.array(chances),
        (Axis("after", layer_names(len(chances))), Axis("token", tokens)),
        "what each layer would say next",
        "probability",
        np.array(words, dtype=object),
    )


def layer_names(n: int) -> list[str]:
    """Name the rows of the logit lens: the embeddings, then each block."""
    return ["embed", *(f"h.{layer}" for layer in range(n - 1))]
