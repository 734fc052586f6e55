import torch


def sample(logits, temperature=1.0):
    """Divides in place, and counts up the chances till a random number is reached."""
    if not temperature:
        return logits.max(-1)[1]
    logits /= temperature
    reached = torch.softmax(logits.double(), -1).cumsum(-1)
    return torch.searchsorted(reached, torch.rand(len(logits), 1).double()).squeeze(1).clamp(max=logits.shape[1] - 1)
