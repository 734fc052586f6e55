import torch
from torch import nn
from torch.nn import functional as F


def head(x, wte):
    V, C = wte.shape
    layer = nn.Linear(C, V, bias=False)
    #~ random-bias: layer = nn.Linear(C, V)
    del layer.weight
    #~ own-weights:
    #~ copied:
    layer.weight = wte
    #~ own-weights:
    #~ copied: layer.weight = nn.Parameter(wte.clone())
    #~ cosine: layer.weight = F.normalize(wte, dim=-1)
    return layer(x)
    #~ softmax: return F.softmax(layer(x), dim=-1)
    #~ log-softmax: return F.log_softmax(layer(x), dim=-1)
    #~ last-only: return layer(x[:, -1:])
    #~ scaled: return layer(x) * C**-0.5
    #~ ids: return layer(x).argmax(-1)
