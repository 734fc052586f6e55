import torch
from torch import Tensor

from nextword.model import GPT, GPTConfig
from parts import attention_scores, causal_weights, merge_heads, split_heads


class KVCache:
    """Remembers every layer's keys and values."""

    def __init__(self, config: GPTConfig, batch_size: int = 1):
        self.length = 0
        # room for config.n_layer layers' keys and values
        ...

    def place(self, T: int) -> Tensor:
        """@KVCache.place"""
        ...

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """@KVCache.extend"""
        ...

    def advance(self, T: int) -> None:
        """@KVCache.advance"""
        ...


@torch.no_grad()
def continue_text(model: GPT, ids: Tensor, cache: KVCache) -> Tensor:
    """@continue_text"""
    ...
