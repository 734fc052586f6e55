from torch import Tensor


def greedy(logits: Tensor) -> Tensor:
    """@greedy"""
    ...
