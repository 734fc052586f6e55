import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        linear.weight.requires_grad = False
        linear.bias.requires_grad = False
        self.frozen = linear
        a = nn.Linear(linear.in_features, rank, bias=False)
        #~ factors-with-bias: a = nn.Linear(linear.in_features, rank)
        b = nn.Linear(rank, linear.out_features, bias=False)
        #~ factors-with-bias: b = nn.Linear(rank, linear.out_features, bias=True)
        b.weight.data.zero_()
        self.change = nn.Sequential(a, b)
        self.factor = alpha / rank

    def forward(self, x):
        return self.frozen(x) + self.change(x).mul(self.factor)

    def merge(self):
        a, b = self.change
        whole = nn.Linear(self.frozen.in_features, self.frozen.out_features)
        whole.weight = nn.Parameter(torch.addmm(self.frozen.weight, b.weight, a.weight, alpha=self.factor).detach())
        whole.bias = nn.Parameter(self.frozen.bias.detach().clone())
        return whole
