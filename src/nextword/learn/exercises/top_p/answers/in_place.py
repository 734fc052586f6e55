import torch
from parts import sample


def sample_top_p(logits, p, temperature=1.0):
    """Hides the others in the tensor that it was given, with a mask that is moved by one."""
    logits /= temperature
    ordered, ids = torch.sort(logits, descending=True)
    hidden = torch.softmax(ordered, dim=-1).cumsum(-1) > p
    hidden[..., 1:] = hidden[..., :-1].clone()
    hidden[..., 0] = False
    logits[hidden.scatter(1, ids, hidden)] = -float("inf")
    return sample(logits)
