"""Loss and perplexity over a whole text."""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nextword.data import evaluation_batches
from nextword.errors import NotFiniteError
from nextword.runtime import matmuls_in


class Model(Protocol):
    """A model whose loss can be measured: an nn.Module with a `loss`, such as GPT."""

    training: bool

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss: ids and targets (B, T) -> (), in nats a token."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the model's parameters."""

    def train(self, mode: bool = True) -> Any:
        """Turn dropout on or off."""


def evaluate(model: Model, ids: Tensor, window: int, batch_size: int = 4, dtype: torch.dtype = torch.float32) -> float:
    """Measure the loss over a text: the mean of -ln p over its tokens, in nats.

    ids (N,). The text is read in consecutive windows, each token but the first
    being a target exactly once; windows count by their tokens, so that a short
    last one weighs less. Dropout is off meanwhile, and the model's mode is put
    back. dtype is the format of matrix products. Raises DataError where there
    is no token to predict, and NotFiniteError where the loss is no number.
    """
    was_training = model.training
    model.train(False)
    device = next(iter(model.parameters())).device
    total, count = 0.0, 0
    try:
        with torch.no_grad():  # a model may keep what it makes here, such as a mask, for training
            for x, y in evaluation_batches(ids, window, batch_size):
                with matmuls_in(dtype, device):
                    loss = model.loss(x.to(device), y.to(device))
                total += loss.item() * y.numel()
                count += y.numel()
    finally:
        model.train(was_training)
    if not math.isfinite(total):
        raise NotFiniteError(
            f"The loss over this text is {total}. The model's weights are damaged or come from a training that "
            "diverged, or its numbers outgrow their type: take an earlier checkpoint, or use float32."
        )
    return total / count


def perplexity(loss: float) -> float:
    """Compute exp(loss): among how many equally likely tokens the model seems to choose."""
    return math.inf if loss > 700.0 else math.exp(loss)  # exp overflows a float a little above


def in_digits(perplexity: float) -> str:
    """Write a perplexity in at most nine characters: 2.0, 312, 47,442, 3.2e+12."""
    if perplexity < 99.95:
        return f"{perplexity:.1f}"
    return f"{perplexity:,.0f}" if perplexity < 999_999.5 else f"{perplexity:.1e}"
