import torch
from torch import Tensor


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """@split_heads"""
    ...


def merge_heads(x: Tensor) -> Tensor:
    """@merge_heads"""
    ...
