"""How surprising each token of a text is to the model, and what it had expected."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nextword.evaluate import in_digits, perplexity
from nextword.lens.labelled import Axis, Labelled, numbers
from nextword.lens.saying import likeliest, scores
from nextword.lens.texts import Ids, one_text
from nextword.lens.tracing import trace
from nextword.model import GPT


@dataclass(frozen=True)
class Surprise:
    """What the model thought of each token of a text but the first, from what came before it.

    logprob (T - 1,): ln p of the token itself. top_ids and top_logprob
    (T - 1, n): the n likeliest in its place.
    """

    logprob: Tensor
    top_ids: Tensor
    top_logprob: Tensor

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens the model seemed to be choosing; NaN for a single token."""
        return perplexity(-self.logprob.cpu().double().mean().item()) if len(self.logprob) else math.nan


def surprise(model: GPT, ids: Ids) -> Labelled:
    """How surprised the model is by each token: -ln p in nats (T,), NaN for the first, which nothing predicts.

    ids: one text's. Raises ValueError for several, and as `trace` does.
    """
    traced = trace(model, one_text(ids))
    found = surprise_of(traced.model, traced["ln_f.out"][0, :-1], traced.ids[0, 1:], 1)
    return Labelled(
        np.concatenate([[np.nan], -numbers(found.logprob)]),
        (Axis("token", traced.tokens()),),
        f"surprise; perplexity {in_digits(found.perplexity)}",
        "nats",
    )


@torch.no_grad()
def surprise_of(model: GPT, x: Tensor, following: Tensor, n: int) -> Surprise:
    """x (T, C), what the head reads at each position, and the ids that follow there (T,)."""
    parts, left = [], following
    for logits, total in scores(model, x):
        ids, left = left[: len(logits)], left[len(logits) :]
        own = logits.gather(-1, ids.unsqueeze(-1)) - total
        parts.append((own.squeeze(-1), *likeliest(logits, total, n)))
    return Surprise(*(torch.cat(part) for part in zip(*parts, strict=True)))
