import torch
from torch import Tensor, nn

from parts import Block, GPTConfig, LayerNorm, drop, head


class GPT(nn.Module):
    """A Transformer that predicts the next token at every position at once."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        # wte, wpe, h (the blocks), ln_f, and dropout
        ...

    def forward(self, ids: Tensor) -> Tensor:
        """Score every token of the vocabulary as the next one, at every position.

        ids (B, T) of int64 -> logits (B, T, V). Raises ValueError for texts longer than n_ctx.
        """
        ...
