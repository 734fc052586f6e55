import math

import torch
from torch import Tensor

from parts import softmax


def causal_weights(scores: Tensor) -> Tensor:
    """@causal_weights"""
    ...
