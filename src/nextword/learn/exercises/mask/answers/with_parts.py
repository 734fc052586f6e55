import torch
from parts import softmax


def causal_weights(scores):
    T, S = scores.shape[-2:]
    hidden = torch.ones(T, S, dtype=torch.bool).triu(S - T + 1)
    return softmax(scores.masked_fill(hidden, -float("inf")))
