"""AdamW over GPT-2's parameters, each of them once."""

import inspect
from typing import Any

import torch
from torch import nn


class AdamW(torch.optim.AdamW):
    """Hold AdamW's state without importing torch's compiler.

    PyTorch marks these methods as not to be compiled, and importing its compiler
    for the mark takes longer than many a training. Nobody compiles them here:
    these are the methods themselves, without the mark.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Sort parameters into two groups for AdamW: matrices, with weight decay, and vectors, without it.

    -> dictionaries with "params" and "weight_decay". Weights of linear layers
    and embeddings (two dimensions) are pulled toward zero. Biases and
    LayerNorms (one dimension) are not: that would take away scale without
    making the model any simpler. Each parameter is there once, also where it is
    used in two places as the tied head's is; frozen ones are left out.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]  # parameters() names each tensor once
    return [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]


def make_optimizer(model: nn.Module, lr: float, weight_decay: float, beta2: float) -> torch.optim.AdamW:
    """Build AdamW with decay on matrices and embeddings only.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    return AdamW(parameter_groups(model, weight_decay), lr=lr, betas=(0.9, beta2), fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = lr
