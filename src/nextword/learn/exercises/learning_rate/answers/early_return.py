import math


def learning_rate(step, steps, warmup, peak, floor=0.1):
    if step < warmup:
        #~ warmup-too-long: if step <= warmup:
        #~ no-warmup: warmup = 0
        #~ no-warmup: if step < warmup:
        return peak * (step + 1) / warmup
        #~ peak-missing: return (step + 1) / warmup
        #~ starts-at-zero: return peak * step / warmup
        #~ peak-late: return peak * (step + 1) / (warmup + 1)
        #~ warmup-overwritten: lr = peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    #~ last-misses-floor: progress = (step - warmup) / max(1, steps - warmup)
    #~ cosine-over-all: progress = step / max(1, steps - 1)
    #~ cosine-too-long: progress = (step - warmup) / max(1, steps - 1)
    #~ division-by-zero: progress = (step - warmup) / (steps - 1 - warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    #~ full-period: cosine = 0.5 * (1 + math.cos(2 * math.pi * progress))
    #~ quarter-period: cosine = 0.5 * (1 + math.cos(math.pi / 2 * progress))
    #~ half-missing: cosine = 1 + math.cos(math.pi * progress)
    #~ one-missing: cosine = math.cos(math.pi * progress)
    #~ linear: cosine = 1 - progress
    #~ degrees: cosine = 0.5 * (1 + math.cos(180 * progress))
    return peak * (floor + (1 - floor) * cosine)
    #~ peak-missing: return floor + (1 - floor) * cosine
    #~ floor-zero: return peak * cosine
    #~ floor-added: return peak * (floor + cosine)
    #~ floor-clamped: return max(floor * peak, peak * cosine)
    #~ floor-absolute: return floor + (peak - floor) * cosine
    #~ floor-fixed: return peak * (0.1 + 0.9 * cosine)
