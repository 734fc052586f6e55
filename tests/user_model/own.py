"""A GPT-2 as a learner writes it, as text, to be put into a folder and found there."""

SOURCE = """
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        C = c.n_embd
        self.n_head = c.n_head
        self.ln1, self.ln2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.query, self.key, self.value = (nn.Linear(C, C, bias=BIAS) for _ in range(3))
        self.out = nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
        self.drop = nn.Dropout(c.dropout)

    def forward(self, x):
        y = self.ln1(x)
        q, k, v = (f(y).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = q @ k.mT / q.size(-1) ** 0.5
        T = x.size(1)
        mask = torch.ones(T, T, dtype=torch.bool, device=x.device).tril()
        weights = self.drop(scores.masked_fill(~mask, float("-inf")).softmax(-1))
        x = x + self.drop(self.out((weights @ v).transpose(1, 2).flatten(2)))
        return x + self.drop(self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh")))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.tok = nn.Embedding(config.n_vocab, config.n_embd)
        self.pos = nn.Embedding(config.n_ctx, config.n_embd)
        self.drop = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.final = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, config.n_vocab, bias=False)
        if TIED:
            self.head.weight = self.tok.weight
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids):
        x = self.drop(self.tok(ids) + self.pos(torch.arange(ids.size(1), device=ids.device)))
        for block in self.blocks:
            x = block(x)
        return self.head(self.final(x))
"""


def source(bias: bool = True, tied: bool = True) -> str:
    """The file's text; `bias` of queries, keys and values, `tied` head."""
    return SOURCE.replace("BIAS", str(bias)).replace("TIED", str(tied))
