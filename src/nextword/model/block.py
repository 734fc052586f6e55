"""A Transformer block, of which GPT-2 has n_layer."""

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.model.attention import FUSED, CausalSelfAttention
from nextword.model.cache import Cache
from nextword.model.ops import Ops


class LayerNorm(nn.Module):
    """Normalise each token's numbers to mean 0 and variance 1, then scale and shift them as learned."""

    def __init__(self, n_embd: int, ops: Ops = FUSED):
        super().__init__()
        self.ops = ops
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.bias = nn.Parameter(torch.zeros(n_embd))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> (..., C)."""
        return self.ops.layer_norm(x, self.weight, self.bias)


class MLP(nn.Module):
    """Transform each token by itself: widen to 4 C, apply GELU, narrow to C again.

    Source: Vaswani et al. (2017), section 3.3, with GELU in ReLU's place.
    """

    def __init__(self, config: GPTConfig, ops: Ops = FUSED):
        super().__init__()
        self.dropout = config.dropout
        self.ops = ops
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        x = self.ops.gelu(self.c_fc(x))  # (B, T, 4 C)
        return self.ops.drop(self.c_proj(x), self.dropout if self.training else 0.0)


class Block(nn.Module):
    """Add attention, then an MLP, to the residual stream; nothing is replaced.

    The norms stand before the two halves ("pre-norm"), so that x itself runs
    from the embedding to the head with nothing but additions on its way.

    Source: Radford et al. (2019), section 2.3.
    """

    def __init__(self, config: GPTConfig, layer: int = 0, ops: Ops = FUSED):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, ops)
        self.attn = CausalSelfAttention(config, layer, ops)
        self.ln_2 = LayerNorm(config.n_embd, ops)
        self.mlp = MLP(config, ops)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        x = x + self.attn(self.ln_1(x), cache)
        return x + self.mlp(self.ln_2(x))
