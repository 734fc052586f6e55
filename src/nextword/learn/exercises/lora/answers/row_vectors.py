import math
import torch
import torch.nn as nn


class LoRALayer(nn.Module):
    def __init__(self, in_dim, out_dim, rank, alpha):
        super().__init__()
        self.A = nn.Parameter(torch.empty(in_dim, rank))
        #~ not-parameters: self.A = torch.empty(in_dim, rank)
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        #~ both-zero: nn.init.zeros_(self.A)
        self.B = nn.Parameter(torch.zeros(rank, out_dim))
        #~ factors-with-bias: self.B = nn.Parameter(torch.zeros(rank, out_dim))
        #~ factors-with-bias: self.a, self.b = nn.Parameter(torch.rand(rank)), nn.Parameter(torch.rand(out_dim))
        #~ both-random: self.B = nn.Parameter(torch.rand(rank, out_dim))
        #~ not-parameters: self.B = torch.zeros(rank, out_dim)
        self.alpha = alpha
        self.rank = rank
        #~ scale-inverted: self.alpha, self.rank = rank, alpha

    def forward(self, x):
        return (self.alpha / self.rank) * (x @ self.A @ self.B)
        #~ factors-with-bias: return (self.alpha / self.rank) * ((x @ self.A + self.a) @ self.B + self.b)
        #~ scale-missing: return x @ self.A @ self.B
        #~ alpha-ignored: return (x @ self.A @ self.B) / self.rank
        #~ rank-ignored: return self.alpha * (x @ self.A @ self.B)
        #~ times-rank: return self.alpha * self.rank * (x @ self.A @ self.B)
        #~ root-of-rank: return self.alpha / math.sqrt(self.rank) * (x @ self.A @ self.B)


class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha):
        super().__init__()
        self.linear = linear
        self.linear.requires_grad_(False)
        #~ base-not-frozen:
        #~ bias-not-frozen: self.linear.weight.requires_grad_(False)
        self.lora = LoRALayer(linear.in_features, linear.out_features, rank, alpha)
        #~ all-frozen: self.lora = LoRALayer(linear.in_features, linear.out_features, rank, alpha)
        #~ all-frozen: self.requires_grad_(False)

    def forward(self, x):
        return self.linear(x) + self.lora(x)
        #~ base-without-gradient: return self.linear(x.detach()) + self.lora(x)
        #~ bias-dropped: return self.linear(x) - self.linear.bias + self.lora(x)
        #~ base-missing: return self.lora(x)
        #~ input-changed: return self.linear(x + self.lora(x))

    def merge(self):
        merged = nn.Linear(self.linear.in_features, self.linear.out_features)
        #~ merged-without-bias: merged = nn.Linear(self.linear.in_features, self.linear.out_features, bias=False)
        change = (self.lora.alpha / self.lora.rank) * (self.lora.A @ self.lora.B).T
        #~ scale-missing: change = (self.lora.A @ self.lora.B).T
        #~ alpha-ignored: change = (self.lora.A @ self.lora.B).T / self.lora.rank
        #~ rank-ignored: change = self.lora.alpha * (self.lora.A @ self.lora.B).T
        #~ times-rank: change = self.lora.alpha * self.lora.rank * (self.lora.A @ self.lora.B).T
        #~ root-of-rank: change = self.lora.alpha / math.sqrt(self.lora.rank) * (self.lora.A @ self.lora.B).T
        #~ merged-unscaled: change = (self.lora.A @ self.lora.B).T
        merged.weight.data = self.linear.weight.data + change.data
        #~ merged-in-place: merged = self.linear
        #~ merged-in-place: merged.weight.data += change.data
        merged.bias.data = self.linear.bias.data.clone()
        #~ merged-without-bias:
        return merged
