import torch
import torch.nn.functional as F


def gradient_step(model, optimizer, micro_batches, clip):
    params = list(model.parameters())
    sums, total = [torch.zeros_like(p) for p in params], 0
    for x, y in micro_batches:
        loss = F.cross_entropy(model(x).transpose(1, 2), y)
        for s, g in zip(sums, torch.autograd.grad(loss, params)):
            s += g
        total += loss.detach()
    length = torch.cat([s.flatten() for s in sums]).norm() / len(micro_batches)
    for p, s in zip(params, sums):
        p.grad = s / len(micro_batches) * min(1, clip / length)
    optimizer.step()
    return float(total) / len(micro_batches)
