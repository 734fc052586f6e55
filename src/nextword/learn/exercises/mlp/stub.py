import torch
from torch import Tensor, nn

from parts import GPTConfig, drop, gelu


class MLP(nn.Module):
    """@MLP"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # c_fc and c_proj, with biases, and dropout
        ...

    def forward(self, x: Tensor) -> Tensor:
        """@MLP.forward"""
        ...
