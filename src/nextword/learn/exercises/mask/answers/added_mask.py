import torch


def make_mask(T, S):
    mask = torch.full((T, S), float("-inf"))
    #~ zero-times-infinity: mask = torch.ones(T, S) * float("-inf")
    #~ flipped-finite: mask = torch.full((T, S), -1e9)
    #~ not-itself-finite: mask = torch.full((T, S), -1e9)
    #~ plus-infinity: mask = torch.full((T, S), float("inf"))
    #~ plus-large: mask = torch.full((T, S), 1e9)
    #~ offset-too-small: mask = torch.full((T, S), -10000.0)
    return torch.triu(mask, diagonal=S - T + 1)
    #~ reversed: return torch.tril(mask, diagonal=S - T - 1)
    #~ flipped: return torch.tril(mask, diagonal=S - T)
    #~ flipped-finite: return torch.tril(mask, diagonal=S - T)
    #~ not-itself: return torch.triu(mask, diagonal=S - T)
    #~ not-itself-finite: return torch.triu(mask, diagonal=S - T)
    #~ one-ahead: return torch.triu(mask, diagonal=S - T + 2)
    #~ top-left: return torch.triu(mask, diagonal=1)
    #~ shift-reversed: return torch.triu(mask, diagonal=T - S + 1)
    #~ zero-times-infinity: return mask * torch.ones(T, S).triu(S - T + 1)


def causal_weights(scores):
    masked = scores + make_mask(scores.shape[2], scores.shape[3])
    #~ mask-missing: masked = scores
    #~ zero-instead: masked = scores * (make_mask(scores.shape[2], scores.shape[3]) == 0)
    return masked.softmax(dim=-1)
    #~ over-queries: return masked.softmax(dim=-2)
    #~ over-heads: return masked.softmax(dim=1)
    #~ softmax-missing: return masked
