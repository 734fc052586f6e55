import torch
import numpy as np


def attention_scores(query, key):
    scores = torch.einsum("bhtd,bhsd->bhts", query, key)
    #~ swapped: scores = torch.einsum("bhsd,bhtd->bhst", key, query)
    scores /= np.sqrt(query.shape[-1])
    #~ scale-missing:
    #~ root-of-c: scores /= np.sqrt(query.shape[1] * query.shape[-1])
    #~ divided-by-d: scores /= query.shape[-1]
    return scores
