import torch
from parts import sample
from torch import Tensor


def sample_top_k(logits: Tensor, k: int, temperature: float = 1.0) -> Tensor:
    """@sample_top_k"""
    ...
