import torch


def causal_weights(scores):
    T, S = scores.shape[-2:]
    queries = torch.arange(S - T, S)[:, None]
    keys = torch.arange(S)[None, :]
    lowest = torch.finfo(scores.dtype).min
    scores = torch.where(keys <= queries, scores, lowest)
    scores = scores - scores.max(dim=-1, keepdim=True).values
    #~ overflow:
    weights = scores.exp()
    return weights / weights.sum(dim=-1, keepdim=True)
