from collections.abc import Iterable

import torch
from torch import Tensor, nn

from parts import gradient_step, learning_rate


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    warmup: int,
    peak: float,
    *,
    clip: float = 1.0,
    start: int = 0,
) -> list[float]:
    """@train"""
    ...
