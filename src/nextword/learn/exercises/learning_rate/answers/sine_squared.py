import math


def learning_rate(step, steps, warmup, peak, floor=0.1):
    if warmup and step + 1 < warmup:
        return (step + 1) * (peak / warmup)
    if step <= warmup:
        return peak
    t = (step - warmup) / (steps - 1 - warmup)
    return peak - peak * (1 - floor) * math.sin(0.5 * math.pi * t) ** 2
