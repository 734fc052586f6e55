"""Causal self-attention, the one place where a token learns of the others."""

from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.model import fused, plain
from nextword.model.cache import Cache
from nextword.model.ops import Ops, functions_of

FUSED = functions_of(fused)
"""What a part computes with unless it is told otherwise."""


class CausalSelfAttention(nn.Module):
    """Let every token gather from itself and the earlier ones.

    `c_attn` makes a query, a key and a value of each token in one product;
    H heads attend separately on D = C / H numbers each; `c_proj` mixes what
    they found.

    Source: Vaswani et al. (2017), section 3.2.2; the mask is section 3.2.3's.
    """

    def __init__(self, config: GPTConfig, layer: int = 0, ops: Ops = FUSED):
        super().__init__()
        self.layer = layer
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.ops = ops
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """x (B, T, C) -> (B, T, C). With a cache, the tokens in it are seen as well."""
        p = self.dropout if self.training else 0.0
        q, k, v = self.qkv(x)  # (B, H, T, D) each
        visible = None
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, H, S, D) each
            visible = cache.visible
        y = self.ops.causal_attention(q, k, v, dropout=p, visible=visible)  # (B, H, T, D)
        return self.ops.drop(self.c_proj(merge_heads(y)), p)

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project x to each head's queries, keys and values: x (B, T, C) -> three of (B, H, T, D)."""
        q, k, v = (split_heads(part, self.n_head) for part in self.c_attn(x).chunk(3, dim=-1))
        return q, k, v

    def weights(self, x: Tensor) -> Tensor:
        """Compute the attention weights of `forward`: x (B, T, C) -> (B, H, T, T)."""
        q, k, _ = self.qkv(x)
        return fused.causal_weights(plain.attention_scores(q, k))


def split_heads(x: Tensor, n_head: int) -> Tensor:
    """Split each token's numbers among the heads, D to each, in order.

    x (B, T, C) -> (B, H, T, D), D = C / H.
    """
    return x.unflatten(-1, (n_head, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """Concatenate the heads' numbers, token by token: x (B, H, T, D) -> (B, T, C)."""
    return x.transpose(1, 2).flatten(2)
