"""The functions of `plain.py`, same names and signatures, on the fastest kernels.

This one is for running. `plain.py` says what each function means;
`tests/model/test_twins.py` holds the two together in value and in gradient.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from nextword.model.blocked_attention import blocked_attention, fits
from nextword.model.head_loss import head_loss
from nextword.native import training as native

__all__ = ["causal_attention", "causal_weights", "cross_entropy", "drop", "gelu", "head_loss", "layer_norm"]


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """x (..., C), weight (C,), bias (C,) -> (..., C). See `plain.layer_norm`."""
    return F.layer_norm(x, weight.shape, weight, bias, eps)


def gelu(x: Tensor) -> Tensor:
    """Any shape -> the same shape. See `plain.gelu`."""
    if not torch.compiler.is_compiling() and native.can_take([x]):
        y: Tensor = NativeGELU.apply(x)  # type: ignore[no-untyped-call]
        return y
    return F.gelu(x, approximate="tanh")


class NativeGELU(torch.autograd.Function):
    """GELU by our own kernel on a CPU, where PyTorch's takes five times as long."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""
        ctx.save_for_backward(x)
        return native.gelu(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        """Compute the gradient of x from that of y."""
        (x,) = ctx.saved_tensors
        return native.gelu_backward(x, dy.to(x.dtype).contiguous())


def drop(x: Tensor, p: float) -> Tensor:
    """Any shape -> the same shape. See `plain.drop`."""
    return F.dropout(x, p) if p else x


def causal_weights(scores: Tensor) -> Tensor:
    """scores (B, H, T, S) -> (B, H, T, S). See `plain.causal_weights`. Attention's own kernel never shows them."""
    T, S = scores.size(-2), scores.size(-1)
    later = torch.ones(T, S, dtype=torch.bool, device=scores.device).triu(S - T + 1)
    return scores.masked_fill(later, -math.inf).softmax(-1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0, visible: Tensor | None = None) -> Tensor:
    """q (B, H, T, D), k and v (B, H, S, D) -> (B, H, T, D). See `plain.causal_attention`.

    The kernel's own causal mask begins at the top left, which is right only
    where T = S. A single query sees everything. In between, and where that
    mask leaks, the mask is given.
    """
    T, S = q.size(-2), k.size(-2)
    if T == S and visible is None and not own_mask_leaks(q.device.type, q.dtype):
        if blocks_pay(q, k, dropout):
            return blocked_attention(q, k, v, dropout)
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
    if visible is None and T > 1:
        visible = q.new_ones(T, S, dtype=torch.bool).tril(S - T)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, dropout_p=dropout)


def own_mask_leaks(device_type: str, dtype: torch.dtype) -> bool:
    """Tell whether the kernel's own causal mask is wrong: on Apple's GPUs in half precision.

    Source: pytorch#195910. One row of the mask serves four queries there.
    """
    return device_type == "mps" and dtype != torch.float32


def blocks_pay(q: Tensor, k: Tensor, dropout: float) -> bool:
    """Tell whether our own attention is faster than PyTorch's: in training on a CPU, by format and dropout.

    Measured for 12 heads of 64, forward and backward, B = 2, T = 256 and B = 4, T = 1024: 2.2 and 1.6 times as fast
    in bfloat16, with dropout 3.3 times, in float32 without dropout the same. The kernel rounds less in bfloat16,
    which counts where a trained model is measured.
    """
    if torch.compiler.is_compiling() or not (torch.is_grad_enabled() and q.requires_grad):
        return False
    return (q.dtype == torch.bfloat16 or dropout > 0.0) and fits(q, k)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """logits (..., V), targets (...) -> a number, in nats. See `plain.cross_entropy`."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())
