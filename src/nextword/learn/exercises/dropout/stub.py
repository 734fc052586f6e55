import torch
from torch import Tensor


def drop(x: Tensor, p: float) -> Tensor:
    """@drop"""
    ...
