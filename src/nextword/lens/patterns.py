"""Attention patterns: how much each head attends to what has a name."""

from collections.abc import Sequence

import torch
from torch import Tensor

PATTERNS = ("before", "first", "itself", "successor")
"""The token before, the text's first one, itself, and what came after an earlier token of the same kind."""

FIRST = 2  # the first tokens are left out: what they can look at is before, first and itself at once


def patterns(weights: Tensor, ids: Sequence[int]) -> Tensor:
    """Measure the mean attention of each head to each pattern.

    weights (H, T, T), ids (T,) -> (H, 4), in the order of `PATTERNS`. NaN where
    no token of the text has such a one. A successor that is the token before
    counts as the latter only. Raises ValueError where ids are not T.

    Source of the last: Olsson et al., "In-context Learning and Induction Heads" (2022).
    """
    T = weights.size(-1)
    if len(ids) != T:
        raise ValueError(f"weights are of {T} tokens, and {len(ids)} ids were given: give the ids of the same text.")
    places = torch.arange(T, device=weights.device)
    back = places[:, None] - places  # (T, T): how far before each query each key stands
    tokens = torch.tensor(list(ids), device=weights.device)
    follows = torch.zeros(T, T, dtype=torch.bool, device=weights.device)
    follows[:, 1:] = (tokens[:, None] == tokens)[:, :-1]
    named = (back == 1, (places == 0).expand(T, T), back == 0, follows & (back > 1))
    shares = []
    for is_it in named:
        asked = is_it[FIRST:]
        has_one = asked.any(-1)  # (T - FIRST,)
        given = (weights[:, FIRST:] * asked).sum(-1)[:, has_one]  # (H, how many have one)
        shares.append(given.float().mean(-1))
    return torch.stack(shares, -1)  # (H, 4)
