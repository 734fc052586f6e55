import torch
from torch import nn


class OneHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        C, D = config.n_embd, config.n_embd // config.n_head
        self.query, self.key, self.value = nn.Linear(C, D), nn.Linear(C, D), nn.Linear(C, D)
        self.register_buffer("sees", torch.ones(config.n_ctx, config.n_ctx).tril())
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        T = x.shape[1]
        affinity = self.query(x) @ self.key(x).mT * self.key.out_features**-0.5
        affinity = affinity.masked_fill(self.sees[:T, :T] == 0, float("-inf"))
        return self.dropout(affinity.softmax(-1)) @ self.value(x)


class ManyHeads(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = nn.ModuleList(OneHead(config) for _ in range(config.n_head))
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        return self.dropout(self.proj(torch.cat([head(x) for head in self.heads], dim=2)))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        C = config.n_embd
        self.ln1, self.sa = nn.LayerNorm(C), ManyHeads(config)
        self.ln2 = nn.LayerNorm(C)
        self.ffwd = nn.Sequential(
            nn.Linear(C, 4 * C), nn.GELU(approximate="tanh"), nn.Linear(4 * C, C), nn.Dropout(config.dropout)
        )

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        x = x + self.ffwd(self.ln2(x))
        return x


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token_table = nn.Embedding(config.n_vocab, config.n_embd)
        self.position_table = nn.Embedding(config.n_ctx, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.Sequential(*(Layer(config) for _ in range(config.n_layer)))
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.unembed = nn.Linear(config.n_embd, config.n_vocab, bias=False)
        self.unembed.weight = self.token_table.weight

    def forward(self, ids):
        positions = torch.arange(ids.shape[1])
        x = self.dropout(self.token_table(ids) + self.position_table(positions))
        return self.unembed(self.ln_f(self.layers(x)))
