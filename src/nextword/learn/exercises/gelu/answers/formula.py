import math

import torch


def gelu(x):
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    #~ cubic-term-missing: inner = math.sqrt(2 / math.pi) * x
    #~ coefficient-missing: inner = math.sqrt(2 / math.pi) * (x + x**3)
    #~ coefficient-ten-times: inner = math.sqrt(2 / math.pi) * (x + 0.44715 * x**3)
    #~ coefficient-outside: inner = math.sqrt(2 / math.pi) * 0.044715 * (x + x**3)
    #~ cube-missing: inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x)
    #~ cube-of-the-product: inner = math.sqrt(2 / math.pi) * (x + (0.044715 * x) ** 3)
    #~ root-of-2-only: inner = math.sqrt(2) / math.pi * (x + 0.044715 * x**3)
    #~ square: inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**2)
    #~ root-missing: inner = (2 / math.pi) * (x + 0.044715 * x**3)
    #~ root-inverted: inner = math.sqrt(math.pi / 2) * (x + 0.044715 * x**3)
    #~ factor-missing: inner = x + 0.044715 * x**3
    #~ factor-on-x-only: inner = math.sqrt(2 / math.pi) * x + 0.044715 * x**3
    bent = torch.tanh(inner)
    #~ tanh-overflows: bent = (torch.exp(inner) - torch.exp(-inner)) / (torch.exp(inner) + torch.exp(-inner))
    return 0.5 * x * (1 + bent)
    #~ half-missing: return x * (1 + bent)
    #~ x-missing: return 0.5 * (1 + bent)
    #~ one-missing: return 0.5 * x * bent
    #~ bracket-missing: return 0.5 * x * 1 + bent
    #~ erf: return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    #~ sigmoid-form: return x * torch.sigmoid(1.702 * x)
    #~ silu: return x * torch.sigmoid(x)
    #~ relu: return torch.relu(x)
    #~ minus: return 0.5 * x * (1 - bent)
    #~ float64-returned: return 0.5 * x * (1 + bent).double()
    #~ gradient-cut: return torch.tensor((0.5 * x * (1 + bent)).tolist())
