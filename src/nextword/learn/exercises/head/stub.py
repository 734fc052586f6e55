import torch
from torch import Tensor


def head(x: Tensor, wte: Tensor) -> Tensor:
    """@head"""
    ...
