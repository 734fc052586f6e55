import math

from parts import cross_entropy


def gradient_step(model, optimizer, micro_batches, clip):
    optimizer.zero_grad()
    #~ zero-missing:
    total = 0.0
    for ids, targets in micro_batches:
        loss = cross_entropy(model(ids), targets) / len(micro_batches)
        #~ zero-between: optimizer.zero_grad()
        #~ zero-between: loss = cross_entropy(model(ids), targets) / len(micro_batches)
        #~ nothing-divided: loss = cross_entropy(model(ids), targets)
        #~ own-updates: loss = cross_entropy(model(ids), targets)
        loss.backward()
        #~ undivided: (loss * len(micro_batches)).backward()
        #~ divided-twice: (loss / len(micro_batches)).backward()
        #~ clip-each: loss.backward()
        #~ clip-each: shorten(model, clip)
        #~ own-updates: optimizer.zero_grad()
        #~ own-updates: loss.backward()
        #~ own-updates: shorten(model, clip)
        #~ own-updates: optimizer.step()
        #~ step-inside: loss.backward()
        #~ step-inside: shorten(model, clip)
        #~ step-inside: optimizer.step()
        total += loss.item()
        #~ loss-of-last: total = loss.item() * len(micro_batches)
        #~ share-of-last: total = loss.item()
        #~ loss-sum: total += loss.item() * len(micro_batches)
        #~ loss-divided-twice: total += loss.item() / len(micro_batches)
        #~ graph-kept: total += loss
        #~ own-updates: total += loss.item() / len(micro_batches)
    shorten(model, clip)
    #~ clip-missing:
    #~ clip-each:
    #~ step-inside:
    #~ own-updates:
    #~ clip-after-step: optimizer.step()
    #~ zero-after-backward: shorten(model, clip)
    #~ zero-after-backward: optimizer.zero_grad()
    optimizer.step()
    #~ step-missing:
    #~ clip-after-step: shorten(model, clip)
    #~ step-inside:
    #~ own-updates:
    return total


def shorten(model, clip):
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    length = math.sqrt(sum(g.square().sum() for g in gradients))
    #~ lengths-added: length = sum(g.norm() for g in gradients)
    #~ root-missing: length = sum(g.square().sum() for g in gradients)
    if length > clip:
        #~ clip-always: if True:
        #~ clip-per-tensor: if True:
        #~ clip-by-value: if True:
        for g in gradients:
            g.mul_(clip / length)
            #~ clip-per-tensor: g.mul_(min(1.0, clip / g.norm()))
            #~ clip-by-value: g.clamp_(-clip, clip)
