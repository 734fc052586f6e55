import torch
from torch import Tensor


def windows(ids: Tensor, window: int, stride: int) -> tuple[Tensor, Tensor]:
    """@windows"""
    ...
