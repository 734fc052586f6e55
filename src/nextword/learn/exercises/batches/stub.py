from collections.abc import Iterator

import torch
from torch import Tensor


def batches(x: Tensor, y: Tensor, batch_size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """@batches"""
    ...
