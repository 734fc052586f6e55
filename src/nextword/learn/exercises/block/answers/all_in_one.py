import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Everything of a block in one class, on PyTorch's own layers."""

    def __init__(self, config):
        super().__init__()
        C = config.n_embd
        self.n_head, self.p = config.n_head, config.dropout
        self.norms = nn.ModuleList([nn.LayerNorm(C), nn.LayerNorm(C)])
        self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.up, self.down = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
        self.act = nn.GELU("tanh")
        self.dropout = nn.Dropout(config.dropout)

    def attend(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.p if self.training else 0.0, is_causal=True)
        return self.dropout(self.out(y.transpose(1, 2).reshape(B, T, C)))

    def forward(self, x):
        first, second = self.norms
        #~ norms-swapped: second, first = self.norms
        x = x + self.attend(first(x))
        #~ post-norm: x = first(x + self.attend(x))
        #~ residuals-normalised: n = first(x)
        #~ residuals-normalised: x = n + self.attend(n)
        mlp = self.down(self.act(self.up(second(x))))
        #~ post-norm: mlp = self.down(self.act(self.up(x)))
        #~ residuals-normalised: x = second(x)
        #~ residuals-normalised: mlp = self.down(self.act(self.up(x)))
        #~ first-norm-twice: mlp = self.down(self.act(self.up(first(x))))
        return x + self.dropout(mlp)
        #~ post-norm: return second(x + self.dropout(mlp))
        #~ second-residual-missing: return self.dropout(mlp)
