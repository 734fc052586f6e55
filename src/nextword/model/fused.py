"""The functions of `plain.py`, same names and signatures, on PyTorch's fastest kernels.

This one is for running. `plain.py` says what each function means;
`tests/model/test_twins.py` holds the two together in value and in gradient.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """x (..., C), weight (C,), bias (C,) -> (..., C). See `plain.layer_norm`."""
    return F.layer_norm(x, weight.shape, weight, bias, eps)


def gelu(x: Tensor) -> Tensor:
    """Any shape -> the same shape. See `plain.gelu`."""
    return F.gelu(x, approximate="tanh")


def drop(x: Tensor, p: float) -> Tensor:
    """Any shape -> the same shape. See `plain.drop`."""
    return F.dropout(x, p) if p else x


def causal_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0) -> Tensor:
    """q (B, H, T, D), k and v (B, H, S, D) -> (B, H, T, D). See `plain.causal_attention`.

    The kernel's own causal mask begins at the top left, which is right only
    where T = S. A single query sees everything. In between, the mask is given.
    """
    T, S = q.size(-2), k.size(-2)
    if T == S:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
    visible = None if T == 1 else torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=dropout)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """logits (..., V), targets (...) -> a number, in nats. See `plain.cross_entropy`."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())
