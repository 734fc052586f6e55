from torch import Tensor


def from_huggingface(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """@from_huggingface"""
    ...
