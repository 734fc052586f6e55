import torch
from parts import sample


def sample_top_k(logits, k, temperature=1.0):
    assert k > 0, "k must be positive"
    #~ k-zero: k = k or logits.shape[-1]
    size = logits.shape[-1]
    order = torch.argsort(logits, dim=-1, descending=True)
    #~ lowest: order = torch.argsort(logits, dim=-1)
    #~ k-above-v: order = torch.topk(logits, k).indices
    keep = order[:, :k]
    #~ k-ignored: keep = order
    #~ one-too-few: keep = order[:, : min(k, size) - 1]
    masked = torch.full_like(logits, float("-inf")).scatter(-1, keep, logits.gather(-1, keep))
    #~ ties-kept: masked = logits.masked_fill(logits < logits.gather(-1, keep[:, -1:]), float("-inf"))
    #~ kth-lost: masked = logits.masked_fill(logits <= logits.gather(-1, keep[:, -1:]), float("-inf"))
    #~ one-threshold: masked = logits.masked_fill(logits < logits[0, keep[0, -1]], float("-inf"))
    #~ zero-for-hidden: masked = torch.zeros_like(logits).scatter(-1, keep, logits.gather(-1, keep))
    #~ equally-often: masked = torch.full_like(logits, float("-inf")).scatter(-1, keep, 0.0)
    return sample(masked, temperature)
    #~ temperature-twice: return sample(masked / temperature, temperature)
    #~ column: return sample(masked, temperature)[:, None]
    #~ temperature-ignored: return sample(masked)
    #~ always-first: return masked.argmax(-1)
    #~ places-not-ids: return sample(logits.gather(-1, keep), temperature)
