"""For matrices with dimensions in front, turned so that the small product is taken, as papers write it."""

import torch


def orthogonal(G, steps=5):
    #~ once: def orthogonal(G, steps=1):
    #~ four-times: def orthogonal(G, steps=4):
    #~ ten-times: def orthogonal(G, steps=10):
    a, b, c = 3.4445, -4.7750, 2.0315
    #~ plus-cube: a, b, c = 3.4445, 4.7750, 2.0315
    #~ fifth-power-missing: a, b, c = 3.4445, -4.7750, 0.0
    #~ cubic-only: a, b, c = 1.5, -0.5, 0.0
    X = G
    if G.size(-2) > G.size(-1):
        X = X.mT
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    #~ not-normalised:
    #~ largest-made-one: X = X / (torch.linalg.svdvals(X).max() + 1e-7)
    #~ zeros-divided: X = X / X.square().sum().sqrt()
    #~ matrix-changed: X /= X.norm(dim=(-2, -1), keepdim=True) + 1e-7
    for _ in range(steps):
        A = X @ X.mT
        #~ numbers-powers: A = X * X
        B = b * A + c * A @ A
        #~ numbers-powers: B = b * A + c * A * A
        X = a * X + B @ X
        #~ numbers-powers: X = a * X + B * X
    if G.size(-2) > G.size(-1):
        X = X.mT
    return X
    #~ exact: exact = torch.linalg.svd(G, full_matrices=False)
    #~ exact: return exact.U @ exact.Vh * (G.norm() > 0)


def muon_step(weight, gradient, momentum, lr, beta=0.95):
    #~ momentum-swapped: def muon_step(weight, gradient, momentum, lr, beta=0.05):
    #~ orthogonal-first: def muon_step(weight, gradient, momentum, lr, beta=0.95):
    #~ orthogonal-first:     gradient = orthogonal(gradient)
    momentum.lerp_(gradient, 1 - beta)
    #~ momentum-not-kept: momentum = momentum.lerp(gradient, 1 - beta)
    update = gradient.lerp(momentum, beta)
    #~ momentum-swapped: update = gradient.lerp(momentum, 1 - beta)
    #~ not-ahead: update = momentum.clone()
    #~ ahead-swapped: update = momentum.lerp(gradient, beta)
    #~ gradient-changed: update = gradient.lerp_(momentum, beta)
    update = orthogonal(update)
    #~ not-orthogonal: update = update * 1.0
    #~ orthogonal-first: update = update * 1.0
    rms = 0.2 * max(weight.size(-2), weight.size(-1)) ** 0.5
    #~ size-missing: rms = 1.0
    #~ root-alone: rms = max(weight.size(-2), weight.size(-1)) ** 0.5
    #~ fifth-alone: rms = 0.2
    #~ rows-by-columns: rms = max(1.0, weight.size(-2) / weight.size(-1)) ** 0.5
    #~ shorter-side: rms = 0.2 * min(weight.size(-2), weight.size(-1)) ** 0.5
    #~ rows-alone: rms = 0.2 * weight.size(-2) ** 0.5
    #~ columns-alone: rms = 0.2 * weight.size(-1) ** 0.5
    #~ root-missing: rms = 0.2 * max(weight.size(-2), weight.size(-1))
    #~ all-numbers: rms = 0.2 * (weight.size(-2) * weight.size(-1)) ** 0.5
    weight.add_(update, alpha=-lr * rms)
    #~ uphill: weight.add_(update, alpha=lr * rms)
    #~ weight-not-kept: weight = weight.add(update, alpha=-lr * rms)
