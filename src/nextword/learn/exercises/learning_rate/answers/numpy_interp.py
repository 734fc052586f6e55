import numpy as np


def learning_rate(step, steps, warmup, peak, floor=0.1):
    if step + 1 <= warmup:
        return np.linspace(0, peak, warmup + 1)[step + 1]
    angle = np.interp(step, [warmup, max(steps - 1, warmup + 1)], [0, np.pi])
    return peak * np.interp(np.cos(angle), [-1, 1], [floor, 1])
