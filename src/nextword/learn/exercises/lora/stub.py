import copy

import torch
from torch import Tensor, nn


class LoRALinear(nn.Module):
    """@LoRALinear"""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__()
        ...

    def forward(self, x: Tensor) -> Tensor:
        """@LoRALinear.forward"""
        ...

    def merge(self) -> nn.Linear:
        """@LoRALinear.merge"""
        ...
