import math

import torch

from parts import cross_entropy


def evaluate(model, batches):
    was_training = model.training
    model.eval()
    #~ dropout-on:
    total, n = 0.0, 0
    with torch.no_grad():
        #~ gradients-left-off: torch.autograd.set_grad_enabled(False)
        #~ gradients-left-off: if True:
        #~ graph-kept: if True:
        #~ backward-left-in: if True:
        #~ last-dropped: batches = batches[:-1]
        #~ last-dropped: with torch.no_grad():
        for ids, targets in batches:
            loss = cross_entropy(model(ids), targets)
            #~ backward-left-in: loss = cross_entropy(model(ids), targets)
            #~ backward-left-in: loss.backward()
            total += loss.item() * targets.numel()
            #~ unweighted: total += loss.item()
            #~ weighted-by-texts: total += loss.item() * targets.size(0)
            n += targets.numel()
            #~ unweighted: n += 1
            #~ weighted-by-texts: n += targets.size(0)
            #~ divided-by-batches: n += 1
            #~ first-only: n += targets.numel()
            #~ first-only: break
    model.train(was_training)
    #~ left-in-eval:
    #~ left-in-training: model.train()
    return total / n
    #~ sum: return total
    #~ last-only: return loss.item()
    #~ perplexity: return math.exp(total / n)
