import torch


def drop(x, p):
    if p == 0:
        #~ nothing-dropped: if True:
        #~ p-ignored: p = 0.5
        #~ p-ignored: if False:
        return x
    kept = torch.rand_like(x) >= p
    #~ share-reversed: kept = torch.rand_like(x) < p
    #~ p-is-kept: kept = torch.rand_like(x) < p
    #~ one-draw: kept = torch.rand(1) >= p
    #~ whole-tokens: kept = torch.rand(x.shape[:-1] + (1,)) >= p
    #~ whole-columns: kept = torch.rand(x.shape[-1]) >= p
    #~ same-for-all-texts: kept = torch.rand(x.shape[1:] if x.dim() == 3 else (1,) + x.shape[1:]) >= p
    #~ same-each-time: torch.manual_seed(42)
    #~ same-each-time: kept = torch.rand_like(x) >= p
    return x * kept / (1 - p)
    #~ unscaled: return x * kept
    #~ scaled-only: return x / (1 - p)
    #~ scaled-down: return x * kept * (1 - p)
    #~ divided-by-p: return x * kept / p
    #~ p-is-kept: return x * kept / p
    #~ noise-added: return x + torch.randn_like(x) * p
    #~ in-place: x *= kept / (1 - p)
    #~ in-place: return x
