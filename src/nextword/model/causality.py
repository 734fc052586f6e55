"""The causality check: earlier logits must not move when a later token changes.

Attention is fast by kernels of others, which hide the future by a mask of their own; one of PyTorch's for Apple's GPUs
did not (pytorch#195910). A model that sees the next token learns nothing, at a wonderful loss. So it is tried.
"""

from collections.abc import Callable

import torch
from torch import Tensor

LENGTH = 16
LONG = 64
"""Tokens that are read: enough on a CPU, and on a GPU, whose kernels compute in blocks."""

ROUNDING = 1e-6
"""How much an earlier logit may move, as a share of how much the changed tokens' own do."""


@torch.no_grad()
def find_leak(logits_of: Callable[[Tensor], Tensor], n_vocab: int, n_ctx: int, device: torch.device) -> str | None:
    """Change later tokens, and describe which earlier logits moved; None if none did.

    logits_of: ids (1, T) -> logits (1, T, V), without dropout. Takes four forward
    passes of T = 16 tokens on a CPU, 64 elsewhere, or n_ctx if that is less. Of
    what differs between two passes over the very same tokens nothing is concluded.
    """
    length = min(n_ctx, LENGTH if device.type == "cpu" else LONG)
    if n_vocab < 2 or length < 2:
        return None
    ids = torch.arange(length, device=device)[None] * 7919 % n_vocab  # (1, T), a prime apart
    logits = logits_of(ids).float()  # (1, T, V)
    noise = (logits_of(ids).float() - logits).abs().max()
    for first in sorted({length * 9 // 16, length - 1}):
        changed = ids.clone()
        changed[:, first:] = (changed[:, first:] + 1 + n_vocab // 2) % n_vocab
        moved = (logits_of(changed).float() - logits).abs().amax(-1)[0]  # (T,)
        allowed = 4 * noise + ROUNDING * moved[first:].max()
        leaking = (moved[:first] > allowed).nonzero().flatten().tolist()
        if leaking:
            where = leaking[-1]
            return (
                f"The logits at position {where} changed by {moved[where]:.2g} when the tokens from position "
                f"{first} on were changed: the model sees what it is to predict"
            )
    return None
