"""The surprisal of each token of a text, and the tokens that were likelier."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nextword.evaluate import in_digits, perplexity
from nextword.lens.labelled import Axis, Labelled, numbers
from nextword.lens.texts import Ids, one_text
from nextword.lens.tracing import trace
from nextword.lens.unembed import likeliest, unembed
from nextword.model import GPT


@dataclass(frozen=True)
class Surprisal:
    """The logprob of each token of a text but the first, and of the likeliest in its place.

    logprob (T - 1,): ln p of the token itself. top_ids and top_logprob
    (T - 1, n): the n likeliest in its place.
    """

    logprob: Tensor
    top_ids: Tensor
    top_logprob: Tensor

    @property
    def perplexity(self) -> float:
        """The exponential of the mean surprisal; NaN for a single token."""
        return perplexity(-self.logprob.cpu().double().mean().item()) if len(self.logprob) else math.nan


def surprise(model: GPT, ids: Ids) -> Labelled:
    """Measure the surprisal of each token: -ln p in nats (T,), NaN for the first.

    ids: one text's. Raises ValueError for several, and as `trace` does.
    """
    traced = trace(model, one_text(ids))
    found = surprisal_of(traced.model, traced["ln_f.out"][0, :-1], traced.ids[0, 1:], 1)
    return Labelled(
        np.concatenate([[np.nan], -numbers(found.logprob)]),
        (Axis("token", traced.tokens()),),
        f"surprise; perplexity {in_digits(found.perplexity)}",
        "nats",
    )


@torch.no_grad()
def surprisal_of(model: GPT, x: Tensor, following: Tensor, n: int) -> Surprisal:
    """Measure the surprisal of the ids (T,) that follow x (T, C), already normalised."""
    parts, left = [], following
    for logits, total in unembed(model, x):
        ids, left = left[: len(logits)], left[len(logits) :]
        own = logits.gather(-1, ids.unsqueeze(-1)) - total
        parts.append((own.squeeze(-1), *likeliest(logits, total, n)))
    return Surprisal(*(torch.cat(part) for part in zip(*parts, strict=True)))
