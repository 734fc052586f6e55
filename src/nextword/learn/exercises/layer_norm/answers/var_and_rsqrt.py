import torch
from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    mu = x.mean(dim=-1, keepdim=True)
    #~ wrong-axis: mu = x.mean(dim=1 if x.dim() == 3 else 0, keepdim=True)
    #~ whole-tensor: mu = x.mean()
    #~ axis-0: mu = x.mean(dim=0)
    #~ axis-1: mu = x.mean(dim=1, keepdim=True)
    #~ keepdim-missing: mu = x.mean(dim=-1)
    #~ keepdim-missing-twice: mu = x.mean(dim=-1)
    #~ input-changed: mu = x.mean(dim=-1, keepdim=True)
    #~ input-changed: x -= mu
    var = x.var(dim=-1, keepdim=True, unbiased=False)
    #~ unbiased-variance: var = x.var(dim=-1, keepdim=True)
    #~ wrong-axis: var = x.var(dim=1 if x.dim() == 3 else 0, keepdim=True, unbiased=False)
    #~ whole-tensor: var = x.var(unbiased=False)
    #~ axis-0: var = x.var(dim=0, unbiased=False)
    #~ axis-1: var = x.var(dim=1, keepdim=True, unbiased=False)
    #~ keepdim-missing: var = x.var(dim=-1, unbiased=False)
    #~ keepdim-missing-twice: var = (x - mu).square().mean(dim=-1)
    #~ squares-summed: var = (x - mu).square().sum(dim=-1, keepdim=True)
    #~ uncentred-variance: var = torch.mean(x * x, dim=-1, keepdim=True)
    #~ mean-kept: var = x.pow(2).mean(dim=-1, keepdim=True)
    inv = (var + eps).rsqrt()
    #~ eps-outside: inv = 1 / (var.sqrt() + eps)
    #~ eps-missing: inv = var.rsqrt()
    #~ root-missing: inv = 1 / (var + eps)
    #~ eps-fixed: inv = (var + 1e-05).rsqrt()
    normed = (x - mu) * inv
    #~ mean-kept: normed = x * inv
    #~ input-changed: normed = x * inv
    return weight * normed + bias
    #~ weight-ignored: return normed + bias
    #~ bracket-missing: return x - mu * inv * weight + bias
    #~ float64-returned: return weight.to(torch.float64) * normed + bias
    #~ gradient-cut: return weight.data * normed.detach() + bias.data
    #~ bias-ignored: return weight * normed
