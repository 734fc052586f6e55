from torch import nn

from parts import attention_scores, causal_weights, drop, merge_heads, split_heads


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x):
        p = self.config.dropout if self.training else 0.0
        q, k, v = (split_heads(part, self.config.n_head) for part in self.c_attn(x).chunk(3, dim=-1))
        weights = drop(causal_weights(attention_scores(q, k)), p)
        return drop(self.c_proj(merge_heads(weights @ v)), p)
