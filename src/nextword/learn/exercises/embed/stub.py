import torch
from torch import Tensor


def embed(ids: Tensor, wte: Tensor, wpe: Tensor) -> Tensor:
    """@embed"""
    ...
