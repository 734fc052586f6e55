import torch
import torch.nn.functional as F
from parts import learning_rate


def train(model, optimizer, batches, steps, warmup, peak, *, clip=1.0, start=0):
    history = []
    data = iter(batches)
    model.train()
    #~ mode-not-set:
    for step in range(start, steps):
        #~ one-too-few: for step in range(start, steps - 1):
        #~ one-too-many: for step in range(start, steps + 1):
        #~ start-ignored: for step in range(steps):
        #~ start-added: for step in range(start, start + steps):
        #~ steps-ignored: for step in range(start, start + len(batches)):
        lr = learning_rate(step, steps, warmup, peak)
        #~ rate-early: lr = learning_rate(step + 1, steps, warmup, peak)
        for g in optimizer.param_groups:
            #~ rate-late:
            g["lr"] = lr
            #~ rate-late:
            #~ rate-never-set: pass
            #~ first-group-only: g["lr"] = lr
            #~ first-group-only: break
        x, y = next(data)
        #~ batches-skipped: x, y = batches[step]
        #~ same-batch: x, y = next(iter(batches))
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        #~ zero-missing:
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        #~ clip-fixed: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        #~ clip-missing:
        optimizer.step()
        #~ step-missing: pass
        #~ rate-late: optimizer.step()
        #~ rate-late: for g in optimizer.param_groups:
        #~ rate-late:     g["lr"] = lr
        #~ loss-after-update: optimizer.step()
        #~ loss-after-update: loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        history.append(loss.item())
        #~ graph-kept: history.append(loss)
    return history
    #~ last-loss-only: return history[-1]
