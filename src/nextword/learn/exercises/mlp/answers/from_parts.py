from torch import nn

from parts import drop, gelu


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x):
        p = self.config.dropout if self.training else 0.0
        return drop(self.c_proj(gelu(self.c_fc(x))), p)
