import torch
from torch import Tensor


def drop(x: Tensor, p: float) -> Tensor:
    if not 0 < p < 1:
        #~ nothing-dropped: if p < 1:
        return x
    q = 1.0 - p
    #~ p-is-kept: q = p
    mask = torch.bernoulli(torch.full(x.shape, q))
    #~ share-reversed: mask = torch.bernoulli(torch.full(x.shape, p))
    #~ whole-tokens: mask = torch.bernoulli(torch.full_like(x[..., :1], q))
    #~ whole-columns: mask = torch.bernoulli(torch.full(x.shape[-1:], q))
    #~ one-draw: mask = torch.bernoulli(torch.tensor(q)).expand_as(x)
    #~ same-for-all-texts: mask = torch.bernoulli(torch.full_like(x[:1], q)).expand_as(x)
    #~ same-each-time: mask = torch.bernoulli(torch.full(x.shape, q), generator=torch.Generator().manual_seed(1))
    #~ noise-added: mask = torch.normal(torch.ones_like(x), p) * q
    scale = 1.0 / q
    #~ unscaled: scale = 1.0
    #~ scaled-down: scale = q
    #~ divided-by-p: scale = 1.0 / p
    #~ scaled-only: mask, scale = 1.0, 1.0 / q
    return mask * x * scale
    #~ in-place: return x.mul_(mask).mul_(scale)
