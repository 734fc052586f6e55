import torch
from torch import nn


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attn = nn.MultiheadAttention(config.n_embd, config.n_head, dropout=config.dropout, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        T = x.size(1)
        hidden = torch.ones(T, T, dtype=torch.bool).triu(1)
        y, _ = self.attn(x, x, x, attn_mask=hidden, need_weights=False)
        return self.dropout(y)
