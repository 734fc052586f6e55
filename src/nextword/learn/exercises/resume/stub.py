import copy
from typing import Any

import torch
from torch import nn


def save_state(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Any]:
    """@save_state"""
    ...


def load_state(state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """@load_state"""
    ...
