"""What probes work with: a GPT-2 in which every dimension differs and every number matters."""

import torch
from torch import Tensor

from nextword.model.config import GPTConfig

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
