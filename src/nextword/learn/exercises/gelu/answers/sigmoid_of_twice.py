import torch


def gelu(x):
    """0.5 * (1 + tanh(z)) is sigmoid(2 z), so this is the tanh form again, and not an approximation of it."""
    return x * torch.sigmoid(2 * (2 / torch.pi) ** 0.5 * (x + 0.044715 * x.pow(3)))
