import torch
from torch import Tensor, nn


def verify(model: nn.Module, ids: Tensor, expected: Tensor, tolerance: float = 1e-4) -> float:
    """@verify"""
    ...
