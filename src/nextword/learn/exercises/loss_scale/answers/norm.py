import math


def unscale(gradients, scale, steps):
    """The length tells: it is finite where every number is."""
    wide = [g.double() for g in gradients]
    if not math.isfinite(sum(float((g * g).sum()) for g in wide)):
        return (None, scale / 2, 0)
    growth = 2 if (steps := steps + 1) == 2000 else 1
    return ([(g / scale).float() for g in wide], scale * growth, 0 if growth == 2 else steps)
