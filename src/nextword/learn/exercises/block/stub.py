from torch import Tensor, nn

from parts import MLP, CausalSelfAttention, GPTConfig, LayerNorm


class Block(nn.Module):
    """@Block"""

    def __init__(self, config: GPTConfig):
        super().__init__()
        # ln_1, attn, ln_2, mlp
        ...

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        ...
