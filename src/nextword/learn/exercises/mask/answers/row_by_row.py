import torch


def causal_weights(scores):
    weights = torch.zeros_like(scores)
    T, S = scores.shape[-2:]
    for t in range(T):
        last = S - T + t + 1
        weights[..., t, :last] = torch.softmax(scores[..., t, :last], dim=-1)
    return weights
