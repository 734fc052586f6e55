import math

import torch
from torch import Tensor


def gelu(x: Tensor) -> Tensor:
    """@gelu"""
    ...
