from torch import nn


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        C = config.n_embd
        hidden = 4 * C
        #~ width-c: hidden = C
        #~ width-2c: hidden = 2 * C
        self.c_fc = nn.Linear(C, hidden)
        #~ fc-bias-missing: self.c_fc = nn.Linear(C, hidden, bias=False)
        self.gelu = nn.GELU(approximate="tanh")
        #~ erf-gelu: self.gelu = nn.GELU()
        #~ relu: self.gelu = nn.ReLU()
        #~ silu: self.gelu = nn.SiLU()
        self.c_proj = nn.Linear(hidden, C)
        #~ mlp-projection-bias-missing: self.c_proj = nn.Linear(hidden, C, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        y = self.c_fc(x)
        y = self.gelu(y)
        #~ activation-missing:
        #~ activation-late:
        #~ mlp-dropout-inside: y = self.dropout(self.gelu(y))
        #~ quick-gelu: y = y * (1.702 * y).sigmoid()
        y = self.c_proj(y)
        #~ activation-late: y = self.gelu(self.c_proj(y))
        #~ activation-twice: y = self.gelu(self.c_proj(y))
        return self.dropout(y)
        #~ mlp-dropout-inside: return y
        #~ mlp-dropout-missing: return y
        #~ mlp-dropout-in-eval: return nn.functional.dropout(y, self.dropout.p)
        #~ mlp-residual-inside: return x + self.dropout(y)
