"""What probes work with: a GPT-2 in which every dimension differs and every number matters."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nextword.config import GPTConfig

CONFIG = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
"""No two sizes are equal (heads are 4 wide), so that none can be taken for another unnoticed."""


def numbers(*shape: int, seed: int = 0) -> Tensor:
    """Normal random numbers in float32: the same for the same shape and seed, everywhere."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).float()


def token_ids(*shape: int, seed: int = 0) -> Tensor:
    """Random ids of the fixture's vocabulary, int64: the same for the same shape and seed, everywhere."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(CONFIG.n_vocab, shape, generator=generator)


def trained_through(function: Callable[..., Any], *inputs: Tensor) -> dict[str, bool]:
    """Whether training can use a function of these float32 numbers: what it needs beside the right result.

    Numbers that come back as float64, or without a way for gradients, are right
    where they are made, and stop whatever is built of them later.
    """
    kind = torch.as_tensor(function(*(x.clone() for x in inputs))).dtype

    def reached(place: int) -> bool:
        """Whether a gradient can flow back to one of the inputs."""
        given = [x.clone() for x in inputs]
        given[place] = given[place].requires_grad_() * 1.0
        try:
            return bool(function(*given).requires_grad)
        except (AttributeError, RuntimeError):  # no tensor, or one that cannot be given to numpy
            return False

    gradients = all(reached(place) for place in range(len(inputs)))
    return {"float32 comes back for float32": kind == torch.float32, "gradients flow back to all inputs": gradients}
