"""Eval mode, in which dropout is off, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put the model into eval mode, and afterwards back into its own, also after an error."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()
