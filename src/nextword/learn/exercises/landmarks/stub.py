import math

import torch
from torch import Tensor


def frequency_loss(ids: Tensor) -> float:
    """@frequency_loss"""
    ...


def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    """@bits_per_byte"""
    ...
