import torch


def unscale(gradients, scale, steps):
    """Everything in one long vector, as some flatten it."""
    together = torch.cat([g.flatten() for g in gradients])
    #~ only-the-first: together = gradients[0].flatten()
    overflow = not torch.isfinite(together).all()
    #~ infinity-only: overflow = torch.isinf(together).any().item()
    #~ nan-only: overflow = torch.isnan(together).any().item()
    if overflow:
        scale *= 0.5
        #~ not-halved: scale *= 1.0
        #~ doubled-by-overflow: scale *= 2.0
        if True:
            #~ zeroed: if False:
            return None, scale, 0
            #~ count-goes-on: return None, scale, steps + 1
        return [torch.where(g.isfinite(), g, 0.0).to(torch.float32) / (2.0 * scale) for g in gradients], scale, 0
    inverse = 1.0 / scale
    #~ not-divided: inverse = 1.0
    found = [g.to(torch.float32) * inverse for g in gradients]
    #~ divided-in-float16: found = [(g / scale).to(torch.float32) for g in gradients]
    #~ divided-by-the-next: found = [g.to(torch.float32) / (scale * 2 if steps == 1999 else scale) for g in gradients]
    grows = steps + 1 == 2000
    #~ never-grows: grows = False
    #~ grows-at-once: grows = True
    #~ grows-on: grows = steps + 1 >= 2000
    return found, scale * 2 if grows else scale, 0 if grows else steps + 1
    #~ grows-on: return found, scale * 2 if grows else scale, steps + 1
