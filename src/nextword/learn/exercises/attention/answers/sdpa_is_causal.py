from torch import nn
from torch.nn.functional import scaled_dot_product_attention


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.out = nn.Sequential(nn.Linear(config.n_embd, config.n_embd), nn.Dropout(config.dropout))

    def forward(self, x):
        heads = lambda t: t.unflatten(-1, (self.config.n_head, -1)).transpose(1, 2)
        q, k, v = map(heads, self.qkv(x).chunk(3, dim=-1))
        p = self.config.dropout * self.training
        y = scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p)
        return self.out(y.transpose(1, 2).flatten(-2))
