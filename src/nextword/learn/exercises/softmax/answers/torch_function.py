import torch.nn.functional as F


def softmax(x):
    return F.softmax(x, dim=-1)
    #~ over-the-rows: return F.softmax(x, dim=-2)
    #~ over-dimension-0: return F.softmax(x, dim=0)
    #~ over-dimension-1: return F.softmax(x, dim=1)
    #~ log-softmax: return F.log_softmax(x, dim=-1)
    #~ softmin: return F.softmin(x, dim=-1)
