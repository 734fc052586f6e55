"""How the learning rate moves over a run."""

import math


def learning_rate(step: int, steps: int, warmup: int, peak: float, floor: float = 0.1, fall: float = 1.0) -> float:
    """Give the learning rate of one update: a straight rise to the peak, then half a cosine down.

    step counts from 0 to steps - 1. The first update already moves, by
    peak / warmup; update number `warmup` is the first at the peak's full
    height, and the last one has `floor` times the peak. fall: the last share
    of the updates after the warm-up, over which it comes down; before that it
    stays at the peak.

    Source: Loshchilov and Hutter, "SGDR" (2017), equation 5; warm-up and the
    floor of a tenth as in Brown et al. (2020), appendix B; a fall at the end
    alone as in Hu et al., "MiniCPM" (2024), section 4.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    last = steps - 1
    start = warmup + (1.0 - fall) * (last - warmup)  # where it begins to come down
    progress = max(0.0, step - start) / (last - start) if last > start else 0.0  # 0 at the peak, 1 at the last step
    return peak * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress)))
