from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    mu = x.mean(dim=-1, keepdim=True)
    #~ wrong-axis: mu = x.mean(dim=1 if x.dim() == 3 else 0, keepdim=True)
    #~ whole-tensor: mu = x.mean()
    var = x.var(dim=-1, keepdim=True, unbiased=False)
    #~ unbiased-variance: var = x.var(dim=-1, keepdim=True)
    #~ wrong-axis: var = x.var(dim=1 if x.dim() == 3 else 0, keepdim=True, unbiased=False)
    #~ whole-tensor: var = x.var(unbiased=False)
    #~ mean-kept: var = x.pow(2).mean(dim=-1, keepdim=True)
    inv = (var + eps).rsqrt()
    #~ eps-outside: inv = 1 / (var.sqrt() + eps)
    #~ eps-missing: inv = var.rsqrt()
    #~ root-missing: inv = 1 / (var + eps)
    normed = (x - mu) * inv
    #~ mean-kept: normed = x * inv
    return weight * normed + bias
    #~ weight-ignored: return normed + bias
    #~ bias-ignored: return weight * normed
