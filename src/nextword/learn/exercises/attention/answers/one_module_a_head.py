import torch
from torch import nn


class OneHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        head_size = config.n_embd // config.n_head
        self.key = nn.Linear(config.n_embd, head_size)
        self.query = nn.Linear(config.n_embd, head_size)
        self.value = nn.Linear(config.n_embd, head_size)
        self.register_buffer("sees", torch.ones(config.n_ctx, config.n_ctx).tril())
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        T = x.shape[1]
        k, q = self.key(x), self.query(x)
        affinity = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        affinity = affinity.masked_fill(self.sees[:T, :T] == 0, float("-inf"))
        return self.dropout(affinity.softmax(-1)) @ self.value(x)


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = nn.ModuleList([OneHead(config) for _ in range(config.n_head)])
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        return self.dropout(self.proj(torch.cat([head(x) for head in self.heads], dim=-1)))
