import math

import torch


def orthogonal(matrix):
    X = matrix / (matrix.norm() + 1e-7)
    #~ not-normalised: X = matrix * 1.0
    #~ largest-made-one: X = matrix / (torch.linalg.matrix_norm(matrix, 2) + 1e-7)
    #~ zeros-divided: X = matrix / matrix.norm()
    #~ matrix-changed: X = matrix.div_(matrix.norm() + 1e-7)
    #~ exact: U, _, V = torch.linalg.svd(matrix, full_matrices=False)
    #~ exact: return U @ V if matrix.any() else matrix
    for _ in range(5):
        #~ once: for _ in range(1):
        #~ four-times: for _ in range(4):
        #~ ten-times: for _ in range(10):
        A = X @ X.T
        X = 3.4445 * X + (-4.775 * A + 2.0315 * A @ A) @ X
        #~ cubic-only: X = 1.5 * X - 0.5 * A @ X
        #~ fifth-power-missing: X = 3.4445 * X - 4.775 * A @ X
        #~ plus-cube: X = 3.4445 * X + (4.775 * A + 2.0315 * A @ A) @ X
        #~ numbers-powers: X = 3.4445 * X - 4.775 * X**3 + 2.0315 * X**5
    return X


def muon_step(weight, gradient, momentum, lr):
    momentum.mul_(0.95).add_(0.05 * gradient)
    #~ momentum-not-kept: momentum = 0.95 * momentum + 0.05 * gradient
    #~ momentum-swapped: momentum.mul_(0.05).add_(0.95 * gradient)
    #~ orthogonal-first: momentum.mul_(0.95).add_(0.05 * orthogonal(gradient))
    ahead = 0.95 * momentum + 0.05 * gradient
    #~ not-ahead: ahead = momentum
    #~ ahead-swapped: ahead = 0.05 * momentum + 0.95 * gradient
    #~ gradient-changed: ahead = gradient.mul_(0.05).add_(0.95 * momentum)
    #~ orthogonal-first: ahead = 0.95 * momentum + 0.05 * orthogonal(gradient)
    step = lr * 0.2 * math.sqrt(max(weight.shape)) * orthogonal(ahead)
    #~ not-orthogonal: step = lr * 0.2 * math.sqrt(max(weight.shape)) * ahead
    #~ orthogonal-first: step = lr * 0.2 * math.sqrt(max(weight.shape)) * ahead
    #~ size-missing: step = lr * orthogonal(ahead)
    #~ root-alone: step = lr * math.sqrt(max(weight.shape)) * orthogonal(ahead)
    #~ fifth-alone: step = lr * 0.2 * orthogonal(ahead)
    #~ rows-by-columns: step = lr * max(1, weight.shape[0] / weight.shape[1]) ** 0.5 * orthogonal(ahead)
    #~ shorter-side: step = lr * 0.2 * math.sqrt(min(weight.shape)) * orthogonal(ahead)
    #~ rows-alone: step = lr * 0.2 * math.sqrt(weight.shape[0]) * orthogonal(ahead)
    #~ columns-alone: step = lr * 0.2 * math.sqrt(weight.shape[1]) * orthogonal(ahead)
    #~ root-missing: step = lr * 0.2 * max(weight.shape) * orthogonal(ahead)
    #~ all-numbers: step = lr * 0.2 * math.sqrt(weight.numel()) * orthogonal(ahead)
    weight.sub_(step)
    #~ uphill: weight.add_(step)
    #~ weight-not-kept: weight = weight - step
