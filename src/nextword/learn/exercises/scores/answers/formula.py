import math

import torch


def attention_scores(q, k):
    D = q.size(-1)
    #~ root-of-c: D = q.size(1) * q.size(-1)
    #~ root-of-heads: D = q.size(1)
    #~ root-of-queries: D = q.size(-2)
    #~ root-of-keys: D = k.size(-2)
    scores = q @ k.transpose(-2, -1)
    #~ swapped: scores = k @ q.transpose(-2, -1)
    #~ all-transposed: scores = q @ k.permute(3, 2, 1, 0)
    #~ heads-transposed: scores = q @ k.transpose(1, 2)
    #~ not-transposed: scores = q @ k
    #~ keys-reshaped: scores = q @ k.view(k.size(0), k.size(1), k.size(3), k.size(2))
    return scores / math.sqrt(D)
    #~ scale-missing: return scores
    #~ divided-by-d: return scores / D
    #~ multiplied: return scores * math.sqrt(D)
    #~ half-of-d: return scores / (D ** 1/2)
    #~ twice-d: return scores / D ** 1/2
    #~ softmax-taken: return torch.softmax(scores / math.sqrt(D), dim=-1)
    #~ future-hidden: T, S = scores.shape[-2:]
    #~ future-hidden: return (scores / math.sqrt(D)).masked_fill(torch.ones(T, S).tril(S - T) == 0, float("-inf"))
