"""LoRA: a low-rank change beside a frozen layer."""

import copy
import math

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """A frozen linear layer with a trainable low-rank change beside it.

    y = linear(x) + (alpha / rank) B A x, with A (rank, in) and B (out, rank): only
    these rank (in + out) numbers learn. A begins at random and B at zero, so that
    nothing is changed at first, and yet B has a gradient. `linear` itself is
    frozen, and used without being copied.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models"
    (2021), section 4.1.
    """

    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        A = torch.randn(rank, linear.in_features) / math.sqrt(linear.in_features)
        self.A = nn.Parameter(A.to(linear.weight))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank).to(linear.weight))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., in) -> (..., out)."""
        return self.linear(x) + self.scale * (x @ self.A.T @ self.B.T)

    def merge(self) -> nn.Linear:
        """Merge the change into a copy of the linear layer."""
        merged = copy.deepcopy(self.linear)
        with torch.no_grad():
            merged.weight += self.scale * (self.B @ self.A)
        return merged
