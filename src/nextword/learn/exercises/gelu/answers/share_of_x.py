import torch
import torch.nn.functional as F

C = 0.7978845608
#~ root-of-2-only: C = 0.4501581581
#~ root-missing: C = 0.6366197724
#~ root-inverted: C = 1.2533141373
A = 0.044715
#~ coefficient-ten-times: A = 0.44715
#~ coefficient-missing: A = 1.0


def gelu(x: torch.Tensor) -> torch.Tensor:
    z = C * x * (1.0 + A * x * x)
    #~ factor-missing: z = x * (1.0 + A * x * x)
    #~ factor-on-x-only: z = x * (C + A * x * x)
    #~ square: z = C * x * (1.0 + A * x)
    #~ coefficient-outside: z = C * A * x * (1.0 + x * x)
    #~ cubic-term-missing: z = C * x
    #~ cube-missing: z = C * x * (1.0 + A)
    #~ cube-of-the-product: z = C * x * (1.0 + A * A * A * x * x)
    share = (torch.tanh(z) + 1.0) / 2.0
    #~ half-missing: share = torch.tanh(z) + 1.0
    #~ one-missing: share = torch.tanh(z) / 2.0
    #~ minus: share = (1.0 - torch.tanh(z)) / 2.0
    #~ tanh-overflows: e = torch.exp(2.0 * z)
    #~ tanh-overflows: share = e / (e + 1.0)
    #~ erf: share = torch.distributions.Normal(0.0, 1.0).cdf(x)
    #~ sigmoid-form: share = torch.sigmoid(x * 1.702)
    #~ silu: share = 1.0 / (1.0 + torch.exp(-x))
    #~ relu: share = (x > 0).float()
    return x * share
    #~ float64-returned: return x.double() * share
    #~ gradient-cut: return x.data * share.data
    #~ x-missing: return share
    #~ bracket-missing: return torch.tanh(z) + 1.0 * x / 2.0
