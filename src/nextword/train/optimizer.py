"""AdamW over GPT-2's parameters, each of them once."""

import torch
from torch import nn

from nextword.train.plain import parameter_groups


def make_optimizer(model: nn.Module, lr: float, weight_decay: float, beta2: float) -> torch.optim.AdamW:
    """AdamW with decay on matrices and embeddings only.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    return torch.optim.AdamW(parameter_groups(model, weight_decay), lr=lr, betas=(0.9, beta2), fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use this learning rate from the next update on."""
    for group in optimizer.param_groups:
        group["lr"] = lr
