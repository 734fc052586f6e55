import torch
import torch.nn as nn


class GELU(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(torch.sqrt(torch.tensor(2.0 / torch.pi)) * (x + 0.044715 * torch.pow(x, 3))))
        #~ erf-gelu: return 0.5 * x * (1 + torch.erf(x / 2**0.5))
        #~ quick-gelu: return x / (1 + torch.exp(-1.702 * x))
        #~ silu: return x / (1 + torch.exp(-x))
        #~ relu: return torch.clamp(x, min=0)


class MLP(nn.Module):
    def __init__(self, cfg, mult=4):
        #~ width-c: def __init__(self, cfg, mult=1):
        #~ width-2c: def __init__(self, cfg, mult=2):
        super().__init__()
        emb_dim = cfg.n_embd
        self.layers = nn.Sequential(
            nn.Linear(emb_dim, mult * emb_dim),
            #~ fc-bias-missing: nn.Linear(emb_dim, mult * emb_dim, bias=False),
            GELU(),
            #~ activation-missing:
            #~ activation-late:
            #~ mlp-dropout-inside: GELU(), nn.Dropout(cfg.dropout),
            nn.Linear(mult * emb_dim, emb_dim),
            #~ mlp-projection-bias-missing: nn.Linear(mult * emb_dim, emb_dim, bias=False),
            #~ activation-late: nn.Linear(mult * emb_dim, emb_dim), GELU(),
            #~ activation-twice: nn.Linear(mult * emb_dim, emb_dim), GELU(),
            nn.Dropout(cfg.dropout),
            #~ mlp-dropout-inside:
            #~ mlp-dropout-missing:
            #~ mlp-dropout-in-eval:
        )
        self.p = cfg.dropout

    def forward(self, x):
        return self.layers(x)
        #~ mlp-dropout-in-eval: return nn.functional.dropout(self.layers(x), self.p, training=True)
        #~ mlp-residual-inside: return self.layers(x) + x
