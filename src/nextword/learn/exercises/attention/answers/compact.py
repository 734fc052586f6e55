import torch
from torch import nn
from torch.nn import functional as F


class Conv1D(nn.Module):
    """x @ w + b, with w kept as (in, out)."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.w = nn.Parameter(torch.randn(n_in, n_out) * 0.02)
        self.b = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return x @ self.w + self.b


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.h, self.drop = config.n_head, config.dropout
        self.attn = Conv1D(config.n_embd, 3 * config.n_embd)
        self.proj = Conv1D(config.n_embd, config.n_embd)
        self.sees = torch.ones(config.n_ctx, config.n_ctx, dtype=torch.bool).tril()

    def forward(self, x):
        b, t, c = x.shape
        p = self.drop if self.training else 0.0
        qkv = self.attn(x).view(b, t, 3, self.h, c // self.h).permute(2, 0, 3, 1, 4)
        #~ heads-strided: qkv = self.attn(x).view(b, t, 3, c // self.h, self.h).permute(2, 0, 4, 1, 3)
        #~ qkv-per-head: qkv = self.attn(x).view(b, t, self.h, 3, c // self.h).permute(3, 0, 2, 1, 4)
        q, k, v = qkv
        #~ order-kqv: k, q, v = qkv
        #~ order-qvk: q, v, k = qkv
        #~ order-kvq: k, v, q = qkv
        #~ order-vqk: v, q, k = qkv
        #~ order-vkq: v, k, q = qkv
        y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t], dropout_p=p)
        #~ scale-missing: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t], dropout_p=p, scale=1.0)
        #~ scale-by-d: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t], dropout_p=p, scale=self.h / c)
        #~ scale-sqrt-c: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t], dropout_p=p, scale=c**-0.5)
        #~ mask-missing: y = F.scaled_dot_product_attention(q, k, v, dropout_p=p)
        #~ mask-reversed: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t].T, dropout_p=p)
        #~ mask-inverted: y = F.scaled_dot_product_attention(q, k, v, ~self.sees[:t, :t], dropout_p=p)
        #~ mask-fixed: y = F.scaled_dot_product_attention(q, k, v, self.sees, dropout_p=p)
        #~ weights-dropout-in-eval: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t], dropout_p=self.drop)
        #~ weights-dropout-missing: y = F.scaled_dot_product_attention(q, k, v, self.sees[:t, :t])
        y = y.transpose(1, 2).flatten(2)
        #~ heads-strided: y = y.permute(0, 2, 3, 1).flatten(2)
        #~ merge-without-transpose: y = y.reshape(b, t, c)
        return F.dropout(self.proj(y), p)
        #~ projection-unused: return F.dropout(y, p)
        #~ output-dropout-in-eval: return F.dropout(self.proj(y), self.drop)
        #~ output-dropout-missing: return self.proj(y)
