"""Call the kernels of training.c with tensors. All of them work in place, on contiguous tensors of a CPU."""

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nextword.native.build import library
from nextword.native.calling import call

FORMATS = (torch.float32, torch.bfloat16)


def can_take(tensors: Iterable[Tensor]) -> bool:
    """Whether the kernels are there, and made for tensors like these."""
    fitting = all(x.device.type == "cpu" and x.dtype in FORMATS and x.is_contiguous() for x in tensors)
    return fitting and library() is not None


def surprisal(logits: Tensor, targets: Tensor, scale: float) -> Tensor:
    """Compute -ln p(target) of each row, and the gradient of the logits in their place.

    logits (N, V), targets (N,) of int64 -> (N,) of float32. The gradient is that
    of `scale` times the sum of these; with scale 0 the logits stay as they are.
    Raises ValueError for targets of another type or number, or out of range.
    """
    N, V = logits.shape
    if targets.dtype != torch.int64:
        raise ValueError(f"targets must be int64 (torch.long), not {targets.dtype}: convert them with targets.long().")
    if targets.shape != (N,):
        raise ValueError(f"targets must have the shape ({N},), one for each row of logits, not {tuple(targets.shape)}.")
    targets = targets.contiguous()
    low, high = targets.aminmax()
    if low < 0 or high >= V:
        raise ValueError(f"targets must be from 0 to {V - 1}, not from {low} to {high}.")
    surprisals = torch.empty(N)
    call("surprisal", is_bf16(logits), N, V, logits.data_ptr(), targets.data_ptr(), scale, surprisals.data_ptr())
    return surprisals


def squared_sum(tensors: Sequence[Tensor]) -> float:
    """Add up the squares of all numbers."""
    return float(call("squared_sum", len(tensors), sizes(tensors), pointers(tensors), formats(tensors)))


@dataclass(frozen=True)
class Settings:
    """AdamW's settings. scale: what the gradients are multiplied with first. step: this update's number."""

    scale: float
    lr: float
    beta1: float
    beta2: float
    eps: float
    step: int


def adamw(
    parameters: Sequence[Tensor],
    copies: Sequence[Tensor | None],
    gradients: Sequence[Tensor],
    means: Sequence[Tensor],
    variances: Sequence[Tensor],
    decay: Sequence[float],
    settings: Settings,
) -> None:
    """Make one update of all parameters (float32), and refresh the copies (bfloat16) of those that have one.

    gradients are float32 or bfloat16; decay is each parameter's own weight decay.
    """
    s = settings
    call(
        "adamw",
        len(parameters),
        sizes(parameters),
        pointers(parameters),
        pointers(copies),
        pointers(gradients),
        formats(gradients),
        pointers(means),
        pointers(variances),
        (ctypes.c_float * len(decay))(*decay),
        *(s.scale, s.lr, s.beta1, s.beta2, s.eps, s.step),
    )


def gelu(x: Tensor) -> Tensor:
    """Compute GELU by its tanh form: any shape -> the same shape."""
    y = torch.empty_like(x)
    call("gelu", is_bf16(x), x.numel(), x.data_ptr(), y.data_ptr())
    return y


def gelu_backward(x: Tensor, dy: Tensor) -> Tensor:
    """Compute the gradient of GELU's input x from its output's."""
    dx = torch.empty_like(x)
    call("gelu_backward", is_bf16(x), x.numel(), x.data_ptr(), dy.data_ptr(), dx.data_ptr())
    return dx


@dataclass(frozen=True)
class AttentionDropout:
    """Dropout of attention weights: a share p of them, the same ones for the same seed.

    row_number: of the first query, counting all queries of all groups.
    group_rows: from a group's query to the next group's.
    """

    p: float
    seed: int
    row_number: int
    group_rows: int

    def arguments(self) -> tuple[int | float, ...]:
        """List them as the kernels take them."""
        below, factor = min(2**32 - 1, round(self.p * 2**32)), 1.0 / (1.0 - self.p)
        return below, factor, self.seed, self.row_number, self.group_rows


def softmax(scores: Tensor, visible: int, scale: float, dropout: AttentionDropout) -> Tensor:
    """Turn scores (G, n, S) into attention weights, in place; -> log_sums (G, n), which backward needs.

    Query number r of each group sees the first `visible` + r of the S keys.
    Scores are multiplied by `scale` first.
    """
    log_sums = torch.empty(scores.shape[:2])
    place = scores.data_ptr(), scale, log_sums.data_ptr()
    call("softmax", is_bf16(scores), *scores.shape, visible, *place, *dropout.arguments())
    return log_sums


def softmax_backward(
    scores: Tensor, gradients: Tensor, log_sums: Tensor, visible: int, scale: float, dropout: AttentionDropout
) -> None:
    """Turn scores back into the weights that `softmax` made of them, and those weights' gradients into the scores'."""
    places = scores.data_ptr(), gradients.data_ptr(), scale, log_sums.data_ptr()
    call("softmax_backward", is_bf16(scores), *scores.shape, visible, *places, *dropout.arguments())


def is_bf16(x: Tensor) -> bool:
    """Whether a tensor is of bfloat16; the kernels take float32 else."""
    return x.dtype == torch.bfloat16


def pointers(tensors: Sequence[Tensor | None]) -> "ctypes.Array[ctypes.c_void_p]":
    """List where the tensors' numbers are; NULL for None."""
    return (ctypes.c_void_p * len(tensors))(*(None if x is None else x.data_ptr() for x in tensors))


def sizes(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_int64]":
    """List how many numbers each tensor has."""
    return (ctypes.c_int64 * len(tensors))(*(x.numel() for x in tensors))


def formats(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_uint8]":
    """List 1 for each tensor of bfloat16, 0 for one of float32."""
    return (ctypes.c_uint8 * len(tensors))(*map(is_bf16, tensors))
