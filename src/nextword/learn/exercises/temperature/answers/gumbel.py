import torch


def sample(logits, temperature=1.0):
    noise = -torch.log(-torch.log(torch.rand_like(logits).clamp(1e-20, 1 - 1e-7)))
    return (logits + temperature * noise).argmax(-1)
