import torch
from parts import softmax
from torch import Tensor


def sample(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """@sample"""
    ...
