"""The kernels of training.c, for tensors. All of them work in place, on contiguous tensors of a CPU."""

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nextword.native.build import library

FORMATS = (torch.float32, torch.bfloat16)


def can_take(tensors: Iterable[Tensor]) -> bool:
    """Whether the kernels are there, and made for tensors like these."""
    fitting = all(x.device.type == "cpu" and x.dtype in FORMATS and x.is_contiguous() for x in tensors)
    return fitting and library() is not None


def surprise(logits: Tensor, targets: Tensor, scale: float) -> Tensor:
    """logits (N, V), targets (N,) of int64 -> -ln p(target) (N,), of float32.

    The logits become the gradient of `scale` times the sum of these; with scale
    0 they stay as they are. Raises ValueError for targets of another type or
    number, or out of range.
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
    surprises = torch.empty(N)
    shape = i64(N), i64(V), i64(V)
    tensors = pointer(logits), pointer(targets), ctypes.c_float(scale), pointer(surprises)
    call(f"nextword_surprise_{suffix(logits)}", *shape, *tensors)
    return surprises


def squared_sum(tensors: Sequence[Tensor]) -> float:
    """The sum of the squares of all numbers."""
    arguments = i64(len(tensors)), sizes(tensors), pointers(tensors), are_bf16(tensors)
    return float(call("nextword_squared_sum", *arguments, result=ctypes.c_double))


@dataclass(frozen=True)
class Settings:
    """What AdamW needs to know. scale: what the gradients are multiplied with first. step: this update's number."""

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
        "nextword_adamw",
        i64(len(parameters)),
        sizes(parameters),
        pointers(parameters),
        pointers(copies),
        pointers(gradients),
        are_bf16(gradients),
        pointers(means),
        pointers(variances),
        (ctypes.c_float * len(decay))(*decay),
        *(ctypes.c_double(x) for x in (s.scale, s.lr, s.beta1, s.beta2, s.eps)),
        i64(s.step),
    )


def gelu(x: Tensor) -> Tensor:
    """GELU by its tanh form: any shape -> the same shape."""
    y = torch.empty_like(x)
    call(f"nextword_gelu_{suffix(x)}", i64(x.numel()), pointer(x), pointer(y))
    return y


def gelu_backward(x: Tensor, dy: Tensor) -> Tensor:
    """The gradient of GELU's input x, from its output's."""
    dx = torch.empty_like(x)
    call(f"nextword_gelu_backward_{suffix(x)}", i64(x.numel()), pointer(x), pointer(dy), pointer(dx))
    return dx


@dataclass(frozen=True)
class Dropping:
    """Which of the attention weights are dropped: a share p of them, the same ones for the same seed.

    row_number: of the first query, counting all queries of all groups.
    group_rows: from a group's query to the next group's.
    """

    p: float
    seed: int
    row_number: int
    group_rows: int

    def arguments(self) -> tuple[object, ...]:
        """For the kernels."""
        dropped = ctypes.c_uint32(min(2**32 - 1, round(self.p * 2**32)))
        factor = ctypes.c_float(1.0 / (1.0 - self.p))
        return dropped, factor, ctypes.c_uint64(self.seed), i64(self.row_number), i64(self.group_rows)


def softmax(scores: Tensor, visible: int, scale: float, dropping: Dropping) -> Tensor:
    """Turn scores (G, n, S) into attention weights, in place; -> log_sums (G, n), which backward needs.

    Query number r of each group sees the first `visible` + r of the S keys.
    Scores are multiplied by `scale` first.
    """
    log_sums = torch.empty(scores.shape[:2])
    shape = (i64(size) for size in scores.shape)
    arguments = *shape, i64(visible), pointer(scores), ctypes.c_float(scale), pointer(log_sums)
    call(f"nextword_softmax_{suffix(scores)}", *arguments, *dropping.arguments())
    return log_sums


def softmax_backward(
    scores: Tensor, gradients: Tensor, log_sums: Tensor, visible: int, scale: float, dropping: Dropping
) -> None:
    """Turn scores back into the weights that `softmax` made of them, and those weights' gradients into the scores'."""
    shape = (i64(size) for size in scores.shape)
    tensors = pointer(scores), pointer(gradients), ctypes.c_float(scale), pointer(log_sums)
    call(f"nextword_softmax_backward_{suffix(scores)}", *shape, i64(visible), *tensors, *dropping.arguments())


def suffix(x: Tensor) -> str:
    """How the kernels for tensors like this one end their names."""
    return "bf16" if x.dtype == torch.bfloat16 else "f32"


i64 = ctypes.c_int64


def pointer(x: Tensor | None) -> ctypes.c_void_p:
    """Where a tensor's numbers are; NULL for None."""
    return ctypes.c_void_p(None if x is None else x.data_ptr())


def pointers(tensors: Sequence[Tensor | None]) -> "ctypes.Array[ctypes.c_void_p]":
    """An array of `pointer`s."""
    return (ctypes.c_void_p * len(tensors))(*(None if x is None else x.data_ptr() for x in tensors))


def sizes(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_int64]":
    """How many numbers each tensor has."""
    return (i64 * len(tensors))(*(x.numel() for x in tensors))


def are_bf16(tensors: Sequence[Tensor]) -> "ctypes.Array[ctypes.c_uint8]":
    """1 for a tensor of bfloat16, 0 for one of float32."""
    return (ctypes.c_uint8 * len(tensors))(*(x.dtype == torch.bfloat16 for x in tensors))


def call(name: str, *arguments: object, result: type[ctypes.c_double] | None = None) -> float:
    """Call a kernel by its name."""
    kernels = library()
    assert kernels is not None, "ask can_take first"
    kernel = getattr(kernels, name)
    kernel.restype = result
    return kernel(*arguments)
