import torch
import torch.nn.functional as F


def sample_top_k(logits, k, temperature=1.0):
    """Hides the others in the tensor that it was given."""
    if k < 1:
        raise ValueError("k must be at least 1")
    kept = torch.topk(logits, min(k, logits.size(-1))).indices
    hidden = torch.ones_like(logits, dtype=torch.bool).scatter_(1, kept, False)
    logits[hidden] = -float("Inf")
    return torch.multinomial(F.softmax(logits / temperature, dim=-1), num_samples=1).squeeze(1)
