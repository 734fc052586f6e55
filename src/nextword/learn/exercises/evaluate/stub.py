from collections.abc import Iterable

import torch
from torch import Tensor, nn

from parts import cross_entropy


def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """@evaluate"""
    ...
