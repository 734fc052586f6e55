"""AdamW over GPT-2's parameters, each of them once."""

import torch
from torch import nn


def make_optimizer(model: nn.Module, lr: float, weight_decay: float, beta2: float) -> torch.optim.AdamW:
    """AdamW with decay on matrices and embeddings only.

    A parameter that is used in two places, as the tied head's is, counts once.
    Biases and LayerNorms (one dimension) are not pulled toward zero: that
    would take away scale without making the model any simpler.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    parameters = [p for p in model.parameters() if p.requires_grad]  # parameters() names each tensor once
    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, beta2), fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use this learning rate from the next update on."""
    for group in optimizer.param_groups:
        group["lr"] = lr
