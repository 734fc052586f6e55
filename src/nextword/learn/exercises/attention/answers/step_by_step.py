import math

import torch
from torch import nn
from torch.nn import functional as F


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        #~ one-head: self.n_head = 1
        self.n_ctx = config.n_ctx
        self.p = config.dropout
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        #~ qkv-bias-missing: self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        #~ projection-missing:
        #~ projection-bias-missing: self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        H = self.n_head
        D = C // H
        qkv = self.c_attn(x)
        q, k, v = qkv.split(C, dim=2)
        #~ order-kqv: k, q, v = qkv.split(C, dim=2)
        #~ order-qvk: q, v, k = qkv.split(C, dim=2)
        #~ order-kvq: k, v, q = qkv.split(C, dim=2)
        #~ order-vqk: v, q, k = qkv.split(C, dim=2)
        #~ order-vkq: v, k, q = qkv.split(C, dim=2)
        q = q.view(B, T, H, D).transpose(1, 2)
        #~ split-without-transpose: q = q.reshape(B, H, T, D)
        #~ heads-strided: q = q.view(B, T, D, H).permute(0, 3, 1, 2)
        #~ qkv-per-head: q = qkv.view(B, T, H, 3 * D)[..., :D].transpose(1, 2)
        k = k.view(B, T, H, D).transpose(1, 2)
        #~ split-without-transpose: k = k.reshape(B, H, T, D)
        #~ heads-strided: k = k.view(B, T, D, H).permute(0, 3, 1, 2)
        #~ qkv-per-head: k = qkv.view(B, T, H, 3 * D)[..., D : 2 * D].transpose(1, 2)
        v = v.view(B, T, H, D).transpose(1, 2)
        #~ split-without-transpose: v = v.reshape(B, H, T, D)
        #~ heads-strided: v = v.view(B, T, D, H).permute(0, 3, 1, 2)
        #~ qkv-per-head: v = qkv.view(B, T, H, 3 * D)[..., 2 * D :].transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(D)
        #~ scale-missing: scores = q @ k.transpose(-2, -1)
        #~ scale-sqrt-c: scores = q @ k.transpose(-2, -1) / math.sqrt(C)
        #~ scale-by-d: scores = q @ k.transpose(-2, -1) / D
        #~ scale-multiplied: scores = q @ k.transpose(-2, -1) * math.sqrt(D)
        #~ scale-sqrt-tokens: scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-2))
        #~ scale-sqrt-heads: scores = q @ k.transpose(-2, -1) / math.sqrt(H)
        mask = torch.tril(torch.ones(T, T, device=x.device)) == 0
        #~ mask-reversed: mask = torch.triu(torch.ones(T, T, device=x.device)) == 0
        #~ mask-inverted: mask = torch.tril(torch.ones(T, T, device=x.device)) == 1
        #~ mask-inverted: mask = torch.tril(mask)
        #~ mask-early: mask = torch.tril(torch.ones(T, T, device=x.device), diagonal=-1) == 0
        #~ mask-late: mask = torch.tril(torch.ones(T, T, device=x.device), diagonal=1) == 0
        #~ mask-fixed: mask = torch.tril(torch.ones(self.n_ctx, self.n_ctx)) == 0
        scores = scores.masked_fill(mask, float("-inf"))
        #~ mask-missing:
        #~ mask-after-softmax:
        #~ softmax-over-heads-finite: scores = scores + mask * -1e12
        #~ mask-with-zero: scores = scores.masked_fill(mask, 0.0)
        #~ mask-too-small: scores = scores.masked_fill(mask, -1e4)
        weights = F.softmax(scores, dim=-1)
        #~ softmax-over-queries: weights = F.softmax(scores, dim=-2)
        #~ softmax-over-heads: weights = F.softmax(scores, dim=1)
        #~ softmax-over-heads-finite: weights = F.softmax(scores, dim=1)
        #~ mask-after-softmax: weights = F.softmax(scores, dim=-1).masked_fill(mask, 0.0)
        weights = F.dropout(weights, self.p, training=self.training)
        #~ weights-dropout-in-eval: weights = F.dropout(weights, self.p)
        #~ weights-dropout-missing:
        #~ dropout-missing:
        y = weights @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        #~ merge-without-transpose: y = y.contiguous().view(B, T, C)
        #~ heads-strided: y = y.permute(0, 2, 3, 1).reshape(B, T, C)
        y = self.c_proj(y)
        #~ projection-missing:
        #~ projection-unused:
        y = F.dropout(y, self.p, training=self.training)
        #~ output-dropout-in-eval: y = F.dropout(y, self.p)
        #~ output-dropout-missing:
        #~ dropout-missing:
        return y
        #~ attention-residual-inside: return x + y
