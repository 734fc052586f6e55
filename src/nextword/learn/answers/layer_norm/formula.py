import torch


def layer_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    #~ wrong-axis: mean = x.mean(-2, keepdim=True)
    #~ whole-tensor: mean = x.mean()
    #~ mean-kept: mean = 0.0
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    #~ wrong-axis: variance = ((x - mean) ** 2).mean(-2, keepdim=True)
    #~ whole-tensor: variance = ((x - mean) ** 2).mean()
    #~ unbiased-variance: variance = ((x - mean) ** 2).sum(-1, keepdim=True) / (x.size(-1) - 1)
    y = (x - mean) / torch.sqrt(variance + eps)
    #~ eps-outside: y = (x - mean) / (torch.sqrt(variance) + eps)
    #~ eps-missing: y = (x - mean) / torch.sqrt(variance)
    #~ root-missing: y = (x - mean) / (variance + eps)
    y = y * weight
    #~ weight-ignored:
    return y + bias
    #~ bias-ignored: return y
