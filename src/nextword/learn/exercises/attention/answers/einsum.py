import torch
from torch import einsum, nn


class CausalSelfAttention(nn.Module):
    """A weight a head and role, as the papers write them."""

    def __init__(self, config):
        super().__init__()
        C, H = config.n_embd, config.n_head
        D = C // H
        self.W_Q = nn.Parameter(torch.randn(H, C, D))
        self.W_K = nn.Parameter(torch.randn(H, C, D))
        self.W_V = nn.Parameter(torch.randn(H, C, D))
        self.b_Q = nn.Parameter(torch.zeros(H, D))
        self.b_K = nn.Parameter(torch.zeros(H, D))
        self.b_V = nn.Parameter(torch.zeros(H, D))
        self.W_O = nn.Parameter(torch.randn(H, D, C))
        self.b_O = nn.Parameter(torch.zeros(C))
        self.attn_drop, self.drop = nn.Dropout(config.dropout), nn.Dropout(config.dropout)
        self.IGNORE = -1e9

    def forward(self, x, mask=None):
        q = einsum("btc,hcd->bthd", x, self.W_Q) + self.b_Q
        k = einsum("btc,hcd->bthd", x, self.W_K) + self.b_K
        v = einsum("btc,hcd->bthd", x, self.W_V) + self.b_V
        scores = einsum("bqhd,bkhd->bhqk", q, k) * q.size(-1) ** -0.5
        scores = scores + torch.full_like(scores, self.IGNORE).triu(1)
        weights = self.attn_drop(scores.softmax(-1))
        y = einsum("bhqk,bkhd->bqhd", weights, v)
        return self.drop(einsum("bqhd,hdc->bqc", y, self.W_O) + self.b_O)
