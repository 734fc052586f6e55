import math

import torch


def causal_weights(scores):
    T, S = scores.shape[-2:]
    #~ fixed-size: T = S = 4
    visible = torch.tril(torch.ones(T, S), diagonal=S - T)
    #~ not-itself-finite: visible = torch.tril(torch.ones(T, S), diagonal=S - T - 1)
    #~ reversed: visible = torch.triu(torch.ones(T, S), diagonal=S - T)
    #~ not-itself: visible = torch.tril(torch.ones(T, S), diagonal=S - T - 1)
    #~ one-ahead: visible = torch.tril(torch.ones(T, S), diagonal=S - T + 1)
    #~ top-left: visible = torch.tril(torch.ones(T, S))
    #~ shift-reversed: visible = torch.tril(torch.ones(T, S), diagonal=T - S)
    #~ square: visible = torch.tril(torch.ones(S, S))
    scores = scores.masked_fill(visible == 0, -math.inf)
    #~ not-itself-finite: scores = scores.masked_fill(visible == 0, -1e9)
    #~ flipped-finite: scores = scores.masked_fill(visible == 1, -1e9)
    #~ mask-missing:
    #~ flipped: scores = scores.masked_fill(visible == 1, -math.inf)
    #~ after-softmax:
    #~ divided-again:
    #~ zero-instead: scores = scores.masked_fill(visible == 0, 1e-9)
    #~ ones-added: scores = scores + visible
    #~ softmax-twice: scores = torch.softmax(scores, dim=-1).masked_fill(visible == 0, -math.inf)
    #~ plus-infinity: scores = scores.masked_fill(visible == 0, math.inf)
    #~ plus-large: scores = scores.masked_fill(visible == 0, 1e9)
    #~ zero-times-infinity: scores = scores + (1 - visible) * -math.inf
    #~ fill-too-small: scores = scores.masked_fill(visible == 0, -1e4)
    #~ offset-too-small: scores = scores + (1 - visible) * -1e4
    weights = torch.softmax(scores, dim=-1)
    #~ over-queries: weights = torch.softmax(scores, dim=-2)
    #~ over-heads: weights = torch.softmax(scores, dim=1)
    #~ after-softmax: weights = torch.softmax(scores, dim=-1) * visible
    #~ divided-again: weights = torch.softmax(scores, dim=-1) * visible
    #~ divided-again: weights = weights / weights.sum(dim=-1, keepdim=True)
    #~ softmax-missing: weights = scores
    #~ overflow: weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
    return weights
