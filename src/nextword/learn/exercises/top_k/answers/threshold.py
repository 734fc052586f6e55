import torch


def sample_top_k(logits, k, temperature=1.0):
    """A threshold with the smallest id first among equals, so that ties do not let more in."""
    if k <= 0:
        raise ValueError(k)
    k = min(k, logits.size(-1))
    logits = logits / temperature
    rank = logits.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    hidden = rank >= k
    #~ ties-kept: hidden = logits < torch.topk(logits, k).values[:, [-1]]
    #~ kth-lost: hidden = logits <= torch.topk(logits, k).values[:, [-1]]
    #~ one-threshold: hidden = logits < torch.topk(logits, k).values[0, -1]
    logits = logits.masked_fill(hidden, -float("inf"))
    #~ zero-for-hidden: logits = logits.masked_fill(hidden, 0.0)
    probs = torch.softmax(logits, dim=-1)
    return torch.multinomial(probs, num_samples=1).flatten()
