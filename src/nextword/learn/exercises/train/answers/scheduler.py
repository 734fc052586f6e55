import torch
from torch.optim.lr_scheduler import LambdaLR

from parts import cross_entropy, learning_rate


def train(model, optimizer, batches, steps, warmup, peak, *, clip=1.0, start=0):
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] = 1.0
    scheduler = LambdaLR(optimizer, lambda n: learning_rate(start + n, steps, warmup, peak))
    losses = []
    step = start
    for ids, targets in batches:
        if step == steps:
            #~ steps-ignored: if False:
            #~ one-too-many: if step > steps:
            #~ one-too-few: if step == steps - 1:
            break
        model.train()
        #~ mode-not-set:
        optimizer.zero_grad()
        #~ zero-missing:
        loss = cross_entropy(model(ids), targets)
        loss.backward()
        #~ rate-early: loss.backward()
        #~ rate-early: scheduler.step()
        losses.append(loss.detach())
        #~ graph-kept: losses.append(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        #~ step-missing:
        scheduler.step()
        #~ rate-early:
        step += 1
    return torch.stack(losses).tolist()
    #~ graph-kept: return losses
