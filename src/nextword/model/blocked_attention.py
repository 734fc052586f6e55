"""Causal attention on a CPU, a block of queries at a time, without keeping the weights.

Each block's scores are one batched product with the keys that its last query sees, at the full speed of the
machine's matrix products; a pass of our own turns them into weights. Backward makes the weights again from the
scores and one number a query, as Dao et al., "FlashAttention" (2022), section 3.1 does, dropout included: which
weights are dropped is a function of their place and of one seed.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nextword.native import training as native

BLOCK = 128  # queries
SCORES = 2**22  # numbers: what is worked on at a time stays in the cache
LONGEST = 2**15  # keys: the passes keep a row of them on the stack


def fits(q: Tensor, k: Tensor) -> bool:
    """Tell whether queries and keys suit these kernels: equally many, and on a CPU."""
    formats = q.dtype == k.dtype and q.dtype in native.FORMATS
    return formats and q.shape == k.shape and q.size(-2) <= LONGEST and native.can_take([q[:0]])


def blocked_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0) -> Tensor:
    """q, k and v (B, H, T, D) -> (B, H, T, D). See `plain.causal_attention`."""
    seed = int(torch.randint(2**63 - 1, ())) if dropout else 0
    y: Tensor = BlockedAttention.apply(q, k, v, dropout, seed)  # type: ignore[no-untyped-call]
    return y


class BlockedAttention(torch.autograd.Function):
    """Blocked attention for autograd, which keeps q, k, v and one number a query."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, dropout: float, seed: int) -> Tensor:
        """q, k and v (B, H, T, D) -> (B, H, T, D)."""
        B, H = q.shape[:2]
        q, k, v = (x.reshape(B * H, *x.shape[2:]) for x in (q, k, v))  # (B H, T, D) each
        y, log_sums = torch.empty_like(q), torch.empty(q.shape[:2])
        for some, seen, scores, work in blocks(q, k, dropout, seed):
            log_sums[some] = native.softmax(scores, *work)
            y[some] = scores @ v[seen]
        ctx.save_for_backward(q, k, v, log_sums)
        ctx.settings = B, dropout, seed
        return y.unflatten(0, (B, H))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Compute the gradients of q, k and v, each (B, H, T, D), from dy."""
        q, k, v, log_sums = ctx.saved_tensors
        B, dropout, seed = ctx.settings
        dy = dy.reshape(q.shape)
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for some, seen, scores, work in blocks(q, k, dropout, seed):
            dweights = dy[some] @ v[seen].transpose(1, 2)  # (G, n, S), as the scores
            native.softmax_backward(scores, dweights, log_sums[some].contiguous(), *work)
            dq[some] = dweights @ k[seen]
            dk[seen] += dweights.transpose(1, 2) @ q[some]
            dv[seen] += scores.transpose(1, 2) @ dy[some]
        dq, dk, dv = (x.unflatten(0, (B, -1)) for x in (dq, dk, dv))
        return dq, dk, dv, None, None


Index = tuple[slice, slice]


def blocks(
    q: Tensor, k: Tensor, dropout: float, seed: int
) -> Iterator[tuple[Index, Index, Tensor, tuple[int, float, native.AttentionDropout]]]:
    """Yield the scores block by block, with the queries and the keys of each: q and k (B H, T, D).

    -> where these queries are, where the keys are, the scores (G, n, S), and what the passes over them need.
    The pieces come from the last queries to the first, so that the first to write to dk writes all of it.
    """
    groups, T, D = q.shape
    for end in range(T, 0, -BLOCK):
        start = max(0, end - BLOCK)
        step = max(1, SCORES // ((end - start) * end))
        for group in range(0, groups, step):
            some = slice(group, group + step), slice(start, end)
            seen = slice(group, group + step), slice(0, end)
            scores = q[some] @ k[seen].transpose(1, 2)
            dropping = native.AttentionDropout(dropout, seed, row_number=group * T + start, group_rows=T)
            yield some, seen, scores, (start + 1, 1 / math.sqrt(D), dropping)
