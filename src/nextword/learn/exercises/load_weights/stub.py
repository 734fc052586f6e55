import torch
from torch import Tensor, nn


def load_weights(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """@load_weights"""
    ...
