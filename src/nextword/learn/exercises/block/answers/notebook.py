import torch
import torch.nn as nn

from parts import MLP, CausalSelfAttention


class LayerNorm(nn.Module):
    def __init__(self, emb_dim):
        super().__init__()
        self.eps = 1e-5
        self.scale = nn.Parameter(torch.ones(emb_dim))
        self.shift = nn.Parameter(torch.zeros(emb_dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        norm_x = (x - mean) / torch.sqrt(var + self.eps)
        return self.scale * norm_x + self.shift


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.att = CausalSelfAttention(cfg)
        self.ff = MLP(cfg)
        self.norm1 = LayerNorm(cfg.n_embd)
        #~ norms-missing:
        self.norm2 = LayerNorm(cfg.n_embd)
        #~ one-norm:
        #~ norms-missing:
        #~ parallel-one-norm:
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x):
        shortcut = x
        #~ mlp-first: x = x + self.ff(self.norm2(x))
        #~ mlp-first: shortcut = x
        #~ parallel: both = self.ff(self.norm2(x))
        #~ parallel: shortcut = x
        x = self.norm1(x)
        #~ post-norm:
        #~ norm-after:
        #~ first-norm-unused:
        #~ norms-missing:
        #~ norms-swapped: x = self.norm2(x)
        #~ first-residual-normalised: x = shortcut = self.norm1(x)
        #~ residuals-normalised: x = shortcut = self.norm1(x)
        #~ parallel-one-norm: x = self.norm1(x)
        #~ parallel-one-norm: both = self.ff(x)
        x = self.att(x)
        #~ norm-after: x = self.norm1(self.att(x))
        #~ block-dropout-in-eval: x = nn.functional.dropout(self.att(x), self.drop.p)
        x = x + shortcut
        #~ first-residual-missing:
        #~ residuals-missing:
        #~ post-norm: x = self.norm1(x + shortcut)
        #~ mlp-first: return x + shortcut
        #~ parallel: return x + shortcut + both
        #~ parallel-one-norm: return x + shortcut + both

        shortcut = x
        x = self.norm2(x)
        #~ post-norm:
        #~ norm-after:
        #~ second-norm-unused:
        #~ norms-missing:
        #~ one-norm: x = self.norm1(x)
        #~ first-norm-twice: x = self.norm1(x)
        #~ norms-swapped: x = self.norm1(x)
        #~ second-residual-normalised: x = shortcut = self.norm2(x)
        #~ residuals-normalised: x = shortcut = self.norm2(x)
        x = self.ff(x)
        #~ norm-after: x = self.norm2(self.ff(x))
        return x + shortcut
        #~ second-residual-missing: return x
        #~ residuals-missing: return x
        #~ post-norm: return self.norm2(x + shortcut)
