import copy

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear = linear
        self.scale = alpha / rank
        #~ scale-missing: self.scale = 1
        #~ alpha-ignored: self.scale = 1 / rank
        #~ rank-ignored: self.scale = alpha
        #~ times-rank: self.scale = alpha * rank
        #~ scale-inverted: self.scale = rank / alpha
        #~ root-of-rank: self.scale = alpha / rank ** 0.5
        for p in self.linear.parameters():
            p.requires_grad = False
            #~ base-not-frozen: pass
            #~ bias-not-frozen: p.requires_grad = p is linear.bias
        self.A = nn.Parameter(torch.randn(rank, linear.in_features) * 0.02)
        #~ both-zero: self.A = nn.Parameter(torch.zeros(rank, linear.in_features))
        #~ not-parameters: self.A = torch.randn(rank, linear.in_features, requires_grad=True)
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        #~ both-random: self.B = nn.Parameter(torch.randn(linear.out_features, rank) * 0.02)
        #~ not-parameters: self.B = torch.zeros(linear.out_features, rank, requires_grad=True)
        #~ all-frozen: self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        #~ all-frozen: for p in self.parameters(): p.requires_grad = False

    def forward(self, x):
        y = self.linear(x)
        #~ base-missing: y = 0
        #~ bias-dropped: y = x @ self.linear.weight.T
        #~ base-without-gradient: with torch.no_grad():
        #~ base-without-gradient:     y = self.linear(x)
        return y + self.scale * (x @ self.A.T @ self.B.T)
        #~ input-changed: return self.linear(x + self.scale * (x @ self.A.T @ self.B.T))

    @torch.no_grad()
    def merge(self):
        merged = copy.deepcopy(self.linear)
        #~ merged-in-place: merged = self.linear
        merged.weight.add_(self.B @ self.A, alpha=self.scale)
        #~ merged-unscaled: merged.weight.add_(self.B @ self.A)
        #~ merged-without-bias: merged.weight.add_(self.B @ self.A, alpha=self.scale)
        #~ merged-without-bias: merged.bias = None
        return merged
