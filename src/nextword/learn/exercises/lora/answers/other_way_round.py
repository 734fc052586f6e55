import copy
import torch
import torch.nn.functional as F
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.lora_A = nn.Parameter(torch.zeros(rank, linear.in_features))
        self.lora_B = nn.Parameter(torch.randn(linear.out_features, rank))
        self.linear = copy.deepcopy(linear).requires_grad_(False)
        self.scaling = alpha / rank

    def weight(self):
        return self.linear.weight + self.scaling * self.lora_B @ self.lora_A

    def forward(self, x):
        return F.linear(x, self.weight(), self.linear.bias)

    def merge(self):
        merged = copy.deepcopy(self.linear)
        merged.weight = nn.Parameter(self.weight().detach())
        return merged
