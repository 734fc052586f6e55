import torch
from torch import Tensor


def attention_scores(q: Tensor, k: Tensor) -> Tensor:
    batch, heads, queries, head_dim = q.shape
    keys = k.shape[2]
    scale = head_dim ** -0.5
    #~ scale-missing: scale = 1.0
    #~ divided-by-d: scale = head_dim ** -1
    #~ multiplied: scale = head_dim ** 0.5
    #~ half-of-d: scale = 1 / (head_dim ** 1 / 2)
    #~ twice-d: scale = 1 / head_dim ** 1 / 2
    #~ root-of-c: scale = (heads * head_dim) ** -0.5
    #~ root-of-heads: scale = heads ** -0.5
    #~ root-of-keys: scale = keys ** -0.5
    #~ root-of-queries: scale = queries ** -0.5
    q = q * scale
    k = k.permute(0, 1, 3, 2)
    #~ all-transposed: k = k.permute(3, 2, 1, 0)
    #~ heads-transposed: k = k.permute(0, 2, 1, 3)
    #~ not-transposed:
    #~ keys-reshaped: k = k.reshape(batch, heads, head_dim, keys)
    scores = torch.matmul(q, k)
    #~ swapped: scores = torch.matmul(k.permute(0, 1, 3, 2), q.permute(0, 1, 3, 2))
    return scores
    #~ softmax-taken: return scores.softmax(dim=-1)
    #~ future-hidden: ahead = torch.triu(torch.ones(queries, keys, dtype=torch.bool), diagonal=keys - queries + 1)
    #~ future-hidden: return scores.masked_fill(ahead, -torch.inf)
