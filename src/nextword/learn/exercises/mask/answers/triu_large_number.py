import torch
import torch.nn.functional as F
from torch import Tensor


def causal_weights(scores: Tensor) -> Tensor:
    batch, heads, queries, keys = scores.size()
    past = keys - queries
    #~ top-left: past = 0
    #~ square: past, keys = 0, queries
    ahead = torch.triu(torch.ones(queries, keys, dtype=torch.bool, device=scores.device), diagonal=past + 1)
    #~ reversed: ahead = torch.tril(torch.ones(queries, keys, dtype=torch.bool), diagonal=past - 1)
    #~ not-itself-finite: ahead = torch.triu(torch.ones(queries, keys, dtype=torch.bool), diagonal=past)
    #~ one-ahead: ahead = torch.triu(torch.ones(queries, keys, dtype=torch.bool), diagonal=past + 2)
    #~ fixed-size: ahead = torch.triu(torch.ones(4, 4, dtype=torch.bool), diagonal=1)
    scores = scores.masked_fill_(ahead, -1e9)
    #~ flipped-finite: scores = scores.masked_fill_(~ahead, -1e9)
    #~ after-softmax:
    #~ divided-again:
    #~ mask-missing:
    #~ zero-instead: scores = scores.masked_fill_(ahead, 0)
    #~ ones-added: scores = scores + (~ahead).float()
    #~ softmax-twice: scores = scores.softmax(-1).masked_fill(ahead, -1e9)
    #~ plus-infinity: scores = scores.masked_fill_(ahead, float("inf"))
    #~ plus-large: scores = scores.masked_fill_(ahead, 1e9)
    #~ fill-too-small: scores = scores.masked_fill_(ahead, -1000.0)
    weights = F.softmax(scores, dim=3)
    #~ after-softmax: weights = F.softmax(scores, dim=3).masked_fill(ahead, 0)
    #~ divided-again: weights = F.normalize(F.softmax(scores, dim=3).masked_fill(ahead, 0), p=1, dim=-1, eps=0)
    #~ over-queries: weights = F.softmax(scores, dim=2)
    #~ softmax-missing: weights = scores.masked_fill(ahead, float("-inf"))
    return weights
