import torch
from torch import Tensor, nn

from parts import GPTConfig, attention_scores, causal_weights, drop, merge_heads, split_heads


class CausalSelfAttention(nn.Module):
    """@CausalSelfAttention"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # c_attn and c_proj, with biases; and what forward needs of config: n_head, dropout
        ...

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        ...
