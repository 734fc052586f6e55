from collections.abc import Callable

import torch
from torch import Tensor, nn

from parts import cross_entropy


def parallel_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ids: Tensor,
    targets: Tensor,
    clip: float,
    *,
    rank: int,
    ranks: int,
    all_reduce: Callable[[Tensor], None],
) -> float:
    """@parallel_step"""
    ...
