import math

import torch
from torch import nn


class Conv1D(nn.Module):
    """A linear layer that keeps its weight as (in, out)."""

    def __init__(self, n_out, n_in):
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return torch.tensordot(x, self.weight, dims=1) + self.bias


class TanhGELU(nn.Module):
    def forward(self, x):
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        n = config.n_ctx
        self.register_buffer("bias", torch.tril(torch.ones(n, n, dtype=torch.bool)).view(1, 1, n, n), persistent=False)
        self.num_heads, self.embed_dim = config.n_head, config.n_embd
        self.c_attn = Conv1D(3 * self.embed_dim, self.embed_dim)
        self.c_proj = Conv1D(self.embed_dim, self.embed_dim)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_states):
        query, key, value = self.c_attn(hidden_states).split(self.embed_dim, dim=2)
        shape = (*query.shape[:-1], self.num_heads, -1)
        query, key, value = query.view(shape).transpose(1, 2), key.view(shape).transpose(1, 2), value.view(shape).transpose(1, 2)
        weights = torch.matmul(query, key.transpose(-1, -2)) / value.size(-1) ** 0.5
        length = query.size(-2)
        seen = self.bias[:, :, :length, :length]
        weights = torch.where(seen, weights, torch.full([], torch.finfo(weights.dtype).min, dtype=weights.dtype))
        weights = self.attn_dropout(nn.functional.softmax(weights, dim=-1))
        output = torch.matmul(weights, value).transpose(1, 2).reshape(hidden_states.shape)
        return self.resid_dropout(self.c_proj(output))


class Feed(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc = Conv1D(4 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, 4 * config.n_embd)
        self.act = TanhGELU()
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden_states):
        return self.dropout(self.c_proj(self.act(self.c_fc(hidden_states))))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=1e-5)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=1e-5)
        self.mlp = Feed(config)

    def forward(self, hidden_states):
        residual = hidden_states
        hidden_states = self.attn(self.ln_1(hidden_states)) + residual
        return hidden_states + self.mlp(self.ln_2(hidden_states))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(config.n_vocab, config.n_embd),
            "wpe": nn.Embedding(config.n_ctx, config.n_embd),
            "drop": nn.Dropout(config.dropout),
            "h": nn.ModuleList([Layer(config) for _ in range(config.n_layer)]),
            "ln_f": nn.LayerNorm(config.n_embd, eps=1e-5),
        })
        self.lm_head = nn.Linear(config.n_embd, config.n_vocab, bias=False)
        self.transformer["wte"].weight = self.lm_head.weight

    def forward(self, input_ids):
        t = self.transformer
        position_ids = torch.arange(0, input_ids.shape[-1], dtype=torch.long).unsqueeze(0)
        hidden_states = t["drop"](t["wte"](input_ids) + t["wpe"](position_ids))
        for block in t["h"]:
            hidden_states = block(hidden_states)
        return self.lm_head(t["ln_f"](hidden_states))
