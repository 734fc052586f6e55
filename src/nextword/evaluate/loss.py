"""Loss and perplexity over a whole text."""

import math

import torch
from torch import Tensor

from nextword.data import evaluation_batches
from nextword.model import GPT
from nextword.runtime import matmuls_in


def evaluate(model: GPT, ids: Tensor, window: int, batch_size: int = 4, dtype: torch.dtype = torch.float32) -> float:
    """How surprised the model is by a text: the mean of -ln p over its tokens, in nats.

    ids (N,). The text is read in consecutive windows, each token but the first
    being a target exactly once; windows count by their tokens, so that a short
    last one weighs less. Dropout is off meanwhile, and the model's mode is put
    back. dtype is the format of matrix products. Raises DataError where there
    is no token to predict.
    """
    was_training = model.training
    model.eval()
    device = model.wte.weight.device
    total, count = 0.0, 0
    try:
        with torch.inference_mode():
            for x, y in evaluation_batches(ids, window, batch_size):
                with matmuls_in(dtype, device):
                    loss = model.ops.head_loss(model.trunk(x.to(device)), model.wte.weight, y.to(device))
                total += loss.item() * y.numel()
                count += y.numel()
    finally:
        model.train(was_training)
    return total / count


def perplexity(loss: float) -> float:
    """exp(loss): among how many equally likely tokens the model seems to be choosing."""
    return math.inf if loss > 700.0 else math.exp(loss)  # exp overflows a float a little above
