import torch


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    #~ wrong-axis: mean = x.mean(-2, keepdim=True)
    #~ whole-tensor: mean = x.mean()
    #~ mean-kept: mean = 0.0
    #~ axis-0: mean = x.mean(0, keepdim=True)
    #~ axis-1: mean = x.mean(1, keepdim=True)
    #~ keepdim-missing: mean = x.mean(-1)
    #~ keepdim-missing-twice: mean = x.mean(-1)
    #~ input-changed: x -= x.mean(-1, keepdim=True)
    #~ input-changed: mean = 0
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    #~ wrong-axis: variance = ((x - mean) ** 2).mean(-2, keepdim=True)
    #~ whole-tensor: variance = ((x - mean) ** 2).mean()
    #~ unbiased-variance: variance = ((x - mean) ** 2).sum(-1, keepdim=True) / (x.size(-1) - 1)
    #~ axis-0: variance = ((x - mean) ** 2).mean(0, keepdim=True)
    #~ axis-1: variance = ((x - mean) ** 2).mean(1, keepdim=True)
    #~ keepdim-missing: variance = x.var(-1, correction=0)
    #~ keepdim-missing-twice: variance = ((x - mean) ** 2).mean(-1)
    #~ squares-summed: variance = ((x - mean) ** 2).sum(-1, keepdim=True)
    #~ uncentred-variance: variance = (x**2).mean(-1, keepdim=True)
    y = (x - mean) / torch.sqrt(variance + eps)
    #~ eps-outside: y = (x - mean) / (torch.sqrt(variance) + eps)
    #~ eps-missing: y = (x - mean) / torch.sqrt(variance)
    #~ root-missing: y = (x - mean) / (variance + eps)
    #~ bracket-missing: y = x - mean / torch.sqrt(variance + eps) * weight
    #~ eps-fixed: y = (x - mean) / torch.sqrt(variance + 1e-5)
    y = y * weight
    #~ weight-ignored:
    #~ bracket-missing:
    return y + bias
    #~ bias-ignored: return y
    #~ float64-returned: return y.double() + bias
    #~ gradient-cut: return torch.tensor((y + bias).tolist())
