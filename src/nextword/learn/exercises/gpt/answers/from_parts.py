import torch
from torch import nn
from torch.nn import functional as F

from parts import Block, LayerNorm


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.n_vocab, config.n_embd)
        self.wpe = nn.Embedding(config.n_ctx, config.n_embd)
        #~ positions-missing:
        self.h = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        #~ blocks-shared: self.h = nn.ModuleList([Block(config)] * config.n_layer)
        #~ blocks-in-a-list: self.h = [Block(config) for _ in range(config.n_layer)]
        #~ block-missing: self.h = nn.ModuleList([Block(config) for _ in range(1, config.n_layer)])
        self.ln_f = LayerNorm(config.n_embd)
        #~ final-norm-missing:
        self.lm_head = nn.Linear(config.n_embd, config.n_vocab, bias=False)
        #~ head-bias: self.lm_head = nn.Linear(config.n_embd, config.n_vocab)
        self.lm_head.weight = self.wte.weight
        #~ head-untied:
        #~ head-copied: self.lm_head.weight.data = self.wte.weight.data.clone()

    def forward(self, ids):
        B, T = ids.shape
        n_ctx = self.config.n_ctx
        if T > n_ctx:
            #~ keeps-the-last:
            #~ keeps-the-first:
            #~ positions-clamped:
            #~ positions-wrapped:
            raise ValueError(f"{T} tokens, but n_ctx is {n_ctx}")
            #~ keeps-the-last:
            #~ keeps-the-first:
            #~ positions-clamped:
            #~ positions-wrapped:
        tokens = self.wte(ids)
        #~ keeps-the-last: ids = ids[:, -n_ctx:]
        #~ keeps-the-last: T = ids.shape[1]
        #~ keeps-the-last: tokens = self.wte(ids)
        #~ keeps-the-first: ids = ids[:, :n_ctx]
        #~ keeps-the-first: T = ids.shape[1]
        #~ keeps-the-first: tokens = self.wte(ids)
        #~ embedding-scaled: tokens = self.wte(ids) * self.config.n_embd**0.5
        positions = torch.arange(T, device=ids.device)
        #~ positions-shifted: positions = torch.arange(1, T + 1, device=ids.device)
        #~ positions-reversed: positions = torch.arange(T - 1, -1, -1, device=ids.device)
        #~ positions-from-the-end: positions = torch.arange(n_ctx - T, n_ctx, device=ids.device)
        #~ positions-all-zero: positions = torch.zeros_like(ids)
        #~ positions-clamped: positions = torch.arange(T, device=ids.device).clamp(max=n_ctx - 1)
        #~ positions-wrapped: positions = torch.arange(T, device=ids.device) % n_ctx
        x = tokens + self.wpe(positions)
        #~ positions-unused: x = tokens
        #~ positions-missing: x = tokens
        x = F.dropout(x, self.config.dropout, self.training)
        #~ embedding-dropout-in-eval: x = F.dropout(x, self.config.dropout)
        #~ embedding-dropout-missing:
        for block in self.h:
            #~ last-block-skipped: for block in self.h[:-1]:
            #~ blocks-reversed: for block in self.h[::-1]:
            #~ blocks-not-chained: e = x
            #~ blocks-not-chained: for block in self.h:
            x = block(x)
            #~ blocks-not-chained: x = block(e)
        x = self.ln_f(x)
        #~ final-norm-unused:
        #~ final-norm-missing:
        return self.lm_head(x)
        #~ last-position-only: return self.lm_head(x[:, [-1], :])
        #~ softmax-applied: return self.lm_head(x).softmax(-1)
        #~ log-softmax-applied: return self.lm_head(x).log_softmax(-1)
        #~ returns-a-pair: return self.lm_head(x), None
