"""The functions of either twin, from which GPT is built."""

from types import SimpleNamespace
from typing import Protocol, cast

from torch import Tensor


class Ops(Protocol):
    """Either twin, `plain` or `fused`: the same functions, written out or on fast kernels.

    A module that has these functions will do: `GPT(config, ops=plain)`.
    """

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, eps: float = ...) -> Tensor:
        """x (..., C), weight (C,), bias (C,) -> (..., C)."""

    def gelu(self, x: Tensor) -> Tensor:
        """Any shape -> the same shape."""

    def drop(self, x: Tensor, p: float) -> Tensor:
        """Any shape -> the same shape."""

    def causal_attention(
        self, q: Tensor, k: Tensor, v: Tensor, dropout: float = ..., visible: Tensor | None = ...
    ) -> Tensor:
        """q (B, H, T, D), k and v (B, H, S, D), visible (B, 1, T, S) -> (B, H, T, D)."""

    def cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        """logits (..., V), targets (...) -> a number, in nats."""

    def head_loss(self, x: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """x (..., C), weight (V, C), targets (...) -> a number, in nats: of the logits x @ weight.T."""


def functions_of(ops: Ops) -> Ops:
    """Take the functions out of their module, which could not be copied with a model."""
    names = [name for name in vars(Ops) if not name.startswith("_")]
    return cast(Ops, SimpleNamespace(**{name: getattr(ops, name) for name in names}))
