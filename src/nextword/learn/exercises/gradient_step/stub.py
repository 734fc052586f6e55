from collections.abc import Sequence

import torch
from torch import Tensor, nn

from parts import cross_entropy


def gradient_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, micro_batches: Sequence[tuple[Tensor, Tensor]], clip: float
) -> float:
    """@gradient_step"""
    ...
