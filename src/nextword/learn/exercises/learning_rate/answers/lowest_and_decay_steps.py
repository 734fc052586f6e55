from math import cos, pi


def learning_rate(step: int, steps: int, warmup: int, peak: float, floor: float = 0.1) -> float:
    min_lr = peak * floor
    #~ peak-missing: peak, min_lr = 1.0, floor
    #~ floor-zero: min_lr = 0.0
    #~ floor-absolute: min_lr = floor
    #~ floor-fixed: min_lr = 0.1 * peak
    decay_steps = steps - warmup - 1
    #~ last-misses-floor: decay_steps = steps - warmup
    #~ cosine-too-long: decay_steps = steps - 1
    #~ cosine-over-all: decay_steps = steps - 1
    decayed = step - warmup
    #~ cosine-over-all: decayed = step
    ratio = decayed / decay_steps if decay_steps > 0 else 1.0
    #~ division-by-zero: ratio = decayed / decay_steps
    #~ no-warmup: ratio = step / (steps - 1) if steps > 1 else 1.0
    coefficient = (1.0 + cos(ratio * pi)) / 2
    #~ full-period: coefficient = (1.0 + cos(ratio * pi * 2)) / 2
    #~ quarter-period: coefficient = (1.0 + cos(ratio * pi / 2)) / 2
    #~ degrees: coefficient = (1.0 + cos(ratio * 180)) / 2
    #~ half-missing: coefficient = 1.0 + cos(ratio * pi)
    #~ one-missing: coefficient = cos(ratio * pi)
    #~ linear: coefficient = 1.0 - ratio
    lr = min_lr + coefficient * (peak - min_lr)
    #~ floor-added: lr = min_lr + coefficient * peak
    #~ floor-clamped: lr = max(min_lr, coefficient * peak)
    if step < warmup:
        #~ warmup-too-long: if step <= warmup:
        #~ no-warmup: if False:
        #~ warmup-overwritten: if False:
        lr = peak / warmup * (step + 1)
        #~ starts-at-zero: lr = peak / warmup * step
        #~ peak-late: lr = peak / (warmup + 1) * (step + 1)
    return lr
