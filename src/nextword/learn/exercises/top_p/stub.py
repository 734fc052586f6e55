import torch
from parts import sample, softmax
from torch import Tensor


def sample_top_p(logits: Tensor, p: float, temperature: float = 1.0) -> Tensor:
    """@sample_top_p"""
    ...
