"""The momentum as a sum of gradients, twenty times as long: the direction is the same, and only that counts."""

import torch


def orthogonal(m):
    u, s, v = torch.linalg.svd(m, full_matrices=False)
    s = s / (s.square().sum().sqrt() + 1e-7)
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return u @ torch.diag(s) @ v


@torch.no_grad()
def muon_step(weight, gradient, momentum, lr):
    momentum *= 0.95
    momentum += gradient
    direction = orthogonal(gradient + 0.95 * momentum)
    weight -= 0.2 * lr * max(*weight.shape) ** 0.5 * direction
