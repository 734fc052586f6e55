import torch.nn as nn

act = nn.GELU(approximate="tanh")
#~ erf: act = nn.GELU()
#~ silu: act = nn.SiLU()
#~ relu: act = nn.ReLU()


def gelu(x):
    return act(x)
