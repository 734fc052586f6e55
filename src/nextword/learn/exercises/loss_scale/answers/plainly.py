def unscale(gradients, scale, steps):
    finite = all(g.isfinite().all() for g in gradients)
    #~ only-the-first: finite = bool(gradients[0].isfinite().all())
    #~ infinity-only: finite = not any(g.isinf().any() for g in gradients)
    #~ nan-only: finite = not any(g.isnan().any() for g in gradients)
    if not finite:
        return None, scale / 2, 0
        #~ not-halved: return None, scale, 0
        #~ doubled-by-overflow: return None, scale * 2, 0
        #~ count-goes-on: return None, scale / 2, steps + 1
        #~ zeroed: return [g.float().nan_to_num(0.0, 0.0, 0.0) / scale for g in gradients], scale / 2, 0
    unscaled = [g.float() / scale for g in gradients]
    #~ not-divided: unscaled = [g.float() for g in gradients]
    #~ divided-in-float16: unscaled = [(g / scale).float() for g in gradients]
    #~ divided-by-the-next: unscaled = [g.float() / (scale if steps + 1 < 2000 else scale * 2) for g in gradients]
    steps += 1
    if steps >= 2000:
        #~ never-grows: if False:
        #~ grows-at-once: if True:
        return unscaled, scale * 2, 0
        #~ grows-on: return unscaled, scale * 2, steps
    return unscaled, scale, steps
