"""A model at rest: looked at or written with, but not in training."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """Dropout off meanwhile, whatever mode the model is in; then that mode again, even where something failed."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()
