import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        n = config.n_embd
        self.p = config.dropout
        self.w_in = nn.Parameter(torch.empty(n, 4 * n).normal_(std=0.02))
        self.b_in = nn.Parameter(torch.zeros(4 * n))
        self.w_out = nn.Parameter(torch.empty(4 * n, n).normal_(std=0.02))
        self.b_out = nn.Parameter(torch.zeros(n))

    def forward(self, x):
        h = F.gelu(x @ self.w_in + self.b_in, approximate="tanh")
        #~ erf-gelu: h = F.gelu(x @ self.w_in + self.b_in)
        #~ relu: h = F.relu(x @ self.w_in + self.b_in)
        #~ activation-missing: h = x @ self.w_in + self.b_in
        return F.dropout(h @ self.w_out + self.b_out, self.p, self.training)
        #~ mlp-dropout-in-eval: return F.dropout(h @ self.w_out + self.b_out, self.p)
