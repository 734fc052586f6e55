"""All gradients and the loss travel in one vector, as real programs do."""

import torch

from parts import cross_entropy


def parallel_step(model, optimizer, ids, targets, clip, *, rank, ranks, all_reduce):
    x, y = ids.view(ranks, -1, ids.size(1))[rank], targets.view(ranks, -1, ids.size(1))[rank]
    #~ all-rows: x, y = ids, targets
    #~ first-rows: x, y = ids[: len(ids) // ranks], targets[: len(ids) // ranks]
    #~ one-row: x, y = ids[rank : rank + 1], targets[rank : rank + 1]
    model.zero_grad()
    #~ zero-missing:
    loss = cross_entropy(model(x), y)
    #~ clipped-before: loss = cross_entropy(model(x), y)
    #~ clipped-before: loss.backward()
    #~ clipped-before: torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    loss.backward()
    #~ clipped-before:
    params = list(model.parameters())
    vector = torch.cat([p.grad.flatten() for p in params] + [loss.detach().reshape(1).to(params[0].dtype)])
    all_reduce(vector)
    #~ not-shared: told = loss.detach().reshape(1).clone()
    #~ not-shared: all_reduce(told)
    #~ not-shared: vector = torch.cat([vector[:-1] * ranks, told.to(vector)])
    #~ weights-shared: for p in params:
    #~ weights-shared:     all_reduce(p.data)
    #~ weights-shared:     p.data /= ranks
    #~ weights-shared: told = loss.detach().reshape(1).clone()
    #~ weights-shared: all_reduce(told)
    #~ weights-shared: vector = torch.cat([vector[:-1] * ranks, told.to(vector)])
    vector = vector / ranks
    #~ summed: vector = torch.cat([vector[:-1], vector[-1:] / ranks])
    #~ divided-twice: vector = torch.cat([vector[:-1] / ranks**2, vector[-1:] / ranks])
    #~ only-the-first-divides: vector = torch.cat([vector[:-1] / (ranks if rank == 0 else 1), vector[-1:] / ranks])
    start = 0
    for p in params:
        if p.grad is not None:
            #~ matrices-only: if p.dim() > 1:
            #~ first-only: if start == 0:
            p.grad.copy_(vector[start : start + p.numel()].view_as(p))
        start += p.numel()
    length = torch.cat([p.grad.flatten() for p in params]).norm()
    if length > clip:
        #~ clip-missing: if False:
        #~ clipped-before: if False:
        #~ clip-divided: if length > clip / ranks:
        for p in params:
            p.grad.mul_(clip / length)
            #~ clip-divided: p.grad.mul_(clip / ranks / length)
    optimizer.step()
    #~ only-the-first-steps: if rank == 0: optimizer.step()
    #~ step-missing:
    return float(vector[-1])
    #~ own-loss: return loss.item()
    #~ loss-summed: return float(vector[-1]) * ranks
    #~ graph-kept: return vector[-1] + (loss - loss.detach())
