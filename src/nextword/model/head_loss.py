"""The head and the loss together, a few rows at a time, with their gradient.

The logits of a whole batch are the largest tensor of training by far: (N, V) with V = 50257. All that the loss
needs of them is one number a row, and all that the way back needs is their gradient times the weight and times x.
So a chunk of rows is scored, its gradient is put in the place of its logits and multiplied out, and the next
chunk takes the same memory.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from nextword.native import training as native

CPU_CHUNK = 128 * 2**20  # bytes of logits: few enough to spare memory, enough for products at full speed
GPU_CHUNK = 1024 * 2**20  # more there, where adding up the weight's gradient costs more than memory does
MULTIPLE = 64  # a GPU's tensor cores want rows of logits to begin at round addresses


def head_loss(x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """x (..., C), weight (V, C), targets (...) -> a number, in nats. See `plain.head_loss`.

    Products are computed in autocast's format where that is on, else in x's own.
    Raises ValueError for targets that are not int64.
    """
    if targets.dtype != torch.int64:
        raise ValueError(f"targets must be int64 (torch.long), not {targets.dtype}: convert them with targets.long().")
    kind = x.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    x, targets = x.flatten(0, -2), targets.flatten()
    with torch.autocast(kind, enabled=False):
        if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
            loss: Tensor = HeadLoss.apply(x, weight, targets, dtype)  # type: ignore[no-untyped-call]
            return loss
        return loss_and_gradients(x, weight, targets, dtype, False, False)[0]


class HeadLoss(torch.autograd.Function):
    """The head and the loss for autograd, with both gradients made in the forward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
        """Compute the mean cross-entropy: x (N, C), weight (V, C), targets (N,) -> ()."""
        for_x, for_weight = ctx.needs_input_grad[:2]
        loss, dx, dweight = loss_and_gradients(x, weight, targets, dtype, for_x, for_weight)
        ctx.save_for_backward(dx, dweight)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Give out the gradients of x and the weight, times the loss's own, which is nearly always 1."""
        dx, dweight = ctx.saved_tensors
        if gradient.device.type == "cpu" and not torch.compiler.is_compiling() and gradient.item() == 1.0:
            return dx, dweight, None, None
        return (
            None if dx is None else dx * gradient.to(dx.dtype),
            None if dweight is None else dweight * gradient.to(dweight.dtype),
            None,
            None,
        )


def loss_and_gradients(
    x: Tensor, weight: Tensor, targets: Tensor, dtype: torch.dtype, for_x: bool, for_weight: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Compute the loss and its gradients: x (N, C), weight (V, C), targets (N,) -> (), (N, C), (V, C).

    dtype is the format of the products; sums over rows are in float32 at least.
    In float16 a probability divided by N would often be 0: there the division comes last.
    """
    N, V = len(x), len(weight)
    xs, w = x.to(dtype), weight.to(dtype)
    if w.device.type == "cuda":
        w = F.pad(w, (0, 0, 0, -V % MULTIPLE))
    n_chunks = -(-N * len(w) * dtype.itemsize // (CPU_CHUNK if w.device.type == "cpu" else GPU_CHUNK))
    rows = -(-N // n_chunks)
    scale, last = (1.0, 1.0 / N) if dtype == torch.float16 else (1.0 / N, 1.0)
    scale = scale if for_x or for_weight else 0.0
    dxs: list[Tensor] = []
    dweight: Tensor | None = None
    total = x.new_zeros((), dtype=torch.promote_types(dtype, torch.float32))
    memory = w.new_empty(rows, len(w))  # one for all chunks: between freed ones gaps would be left
    for xc, tc in zip(xs.split(rows), targets.split(rows), strict=True):
        logits = torch.mm(xc, w.T, out=memory[: len(xc)])  # (n, V)
        if len(w) > V:
            logits[:, V:] = -torch.inf
        surprises, dlogits = surprise(logits, tc, scale)  # (n,), (n, V)
        total = total + surprises.sum()
        if for_x:
            dxs.append(dlogits @ w)
        if for_weight and dweight is None:
            dweight = dlogits.T @ xc  # (V, C)
            dweight = dweight if n_chunks == 1 else dweight.to(total.dtype)
        elif dweight is not None:
            dweight = dweight.addmm_(dlogits.T, xc) if dweight.dtype == dtype else dweight.add_(dlogits.T @ xc)
    dx = torch.cat(dxs).to(x.dtype) if for_x else None
    dweight = None if dweight is None else dweight[:V].to(weight.dtype)
    if last != 1.0:
        dx, dweight = (None if gradient is None else gradient * last for gradient in (dx, dweight))
    return total / N, dx, dweight


def surprise(logits: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Compute -ln p(target) and the gradient of `scale` times its sum: logits (n, V), targets (n,) -> (n,), (n, V).

    The gradient takes the logits' place. With scale 0 it is not computed.
    """
    if not torch.compiler.is_compiling() and native.can_take([logits]):
        return native.surprisal(logits, targets, scale), logits
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_sum = wide.logsumexp(-1, keepdim=True)  # (n, 1)
    at_target = targets.unsqueeze(-1)
    surprises = (log_sum - wide.gather(-1, at_target)).squeeze(-1)
    if scale == 0.0:
        return surprises, logits
    chosen = torch.arange(wide.size(-1), device=wide.device) == at_target  # (n, V), never made in compiled code
    return surprises, (((wide - log_sum).exp() - chosen.to(wide.dtype)) * scale).to(logits.dtype)
