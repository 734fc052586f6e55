import math

import torch
from torch import Tensor


def orthogonal(matrix: Tensor) -> Tensor:
    """@orthogonal"""
    ...


def muon_step(weight: Tensor, gradient: Tensor, momentum: Tensor, lr: float) -> None:
    """@muon_step"""
    ...
