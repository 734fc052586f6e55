import torch
from torch import nn
from torch.nn import functional as F


class Conv1D(nn.Module):
    def __init__(self, nf, nx):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(nx, nf).normal_(std=0.02))
        self.bias = nn.Parameter(torch.zeros(nf))

    def forward(self, x):
        return x @ self.weight + self.bias


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        n = c.n_embd
        self.H, self.p = c.n_head, c.dropout
        self.ln_1, self.ln_2 = nn.LayerNorm(n), nn.LayerNorm(n)
        self.attn = nn.ModuleDict({"c_attn": Conv1D(3 * n, n), "c_proj": Conv1D(n, n)})
        self.mlp = nn.ModuleDict({"c_fc": Conv1D(4 * n, n), "c_proj": Conv1D(n, 4 * n)})

    def forward(self, x):
        p = self.p if self.training else 0.0
        q, k, v = (t.unflatten(-1, (self.H, -1)).transpose(1, 2) for t in self.attn["c_attn"](self.ln_1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p).transpose(1, 2).flatten(2)
        x = x + F.dropout(self.attn["c_proj"](y), p)
        return x + F.dropout(self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh")), p)


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        n = config.n_embd
        self.tokens = nn.Parameter(torch.empty(config.n_vocab, n).normal_(std=0.02))
        self.positions = nn.Parameter(torch.empty(config.n_ctx, n).normal_(std=0.02))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        #~ blocks-shared: self.layers = nn.ModuleList([Layer(config)] * config.n_layer)
        self.norm = nn.LayerNorm(n)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, ids, cache=None):
        x = self.drop(self.tokens[ids] + self.positions[: ids.size(1)])
        #~ positions-from-the-end: x = self.drop(self.tokens[ids] + self.positions[-ids.size(1) :])
        #~ positions-clamped: where = torch.arange(ids.size(1)).clamp_max(len(self.positions) - 1)
        #~ positions-clamped: x = self.drop(self.tokens[ids] + self.positions[where])
        #~ positions-wrapped: where = torch.arange(ids.size(1)).remainder(len(self.positions))
        #~ positions-wrapped: x = self.drop(self.tokens[ids] + self.positions[where])
        #~ keeps-the-last: ids = ids[:, -len(self.positions) :]
        #~ keeps-the-last: x = self.drop(self.tokens[ids] + self.positions[: ids.size(1)])
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.tokens)
        #~ last-position-only: return F.linear(self.norm(x[:, -1:]), self.tokens)
