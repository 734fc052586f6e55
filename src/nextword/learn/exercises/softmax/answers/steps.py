import torch


def softmax(x):
    m = x.amax(-1, keepdim=True)
    #~ over-the-rows: m = x.amax(-2, keepdim=True)
    #~ over-dimension-0: m = x.amax(0, keepdim=True)
    #~ over-dimension-1: m = x.amax(1, keepdim=True)
    #~ maximum-without-keepdim: m = x.amax(-1)
    #~ maximum-not-subtracted: m = 0
    #~ mean-subtracted: m = x.mean(-1, keepdim=True)
    #~ maximum-of-everything: m = x.max()
    #~ input-changed: x -= x.amax(-1, keepdim=True)
    #~ input-changed: m = 0
    e = torch.exp(x - m)
    #~ exp-missing: e = x
    #~ softmin: e = torch.exp(-x - (-x).amax(-1, keepdim=True))
    total = e.sum(-1, keepdim=True)
    #~ over-the-rows: total = e.sum(-2, keepdim=True)
    #~ over-dimension-0: total = e.sum(0, keepdim=True)
    #~ over-dimension-1: total = e.sum(1, keepdim=True)
    #~ sum-of-everything: total = e.sum()
    #~ sum-without-keepdim: total = e.sum(-1)
    return e / total
    #~ log-softmax: return torch.log(e / total)
    #~ not-divided: return torch.exp(x)
    #~ not-divided-by-the-sum: return e
    #~ float64-returned: return e.double() / total
    #~ gradient-cut: return torch.tensor((e / total).tolist())
    #~ sigmoid: return 1 / (1 + torch.exp(-x))
