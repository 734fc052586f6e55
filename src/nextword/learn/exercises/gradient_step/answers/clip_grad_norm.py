import torch
import torch.nn.functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_


def gradient_step(model, optimizer, micro_batches, clip):
    accumulation_steps = len(micro_batches)
    optimizer.zero_grad(set_to_none=False)
    #~ zero-missing: pass
    losses = []
    for i, (x, y) in enumerate(micro_batches):
        logits = model(x)
        #~ zero-between: optimizer.zero_grad()
        #~ zero-between: logits = model(x)
        #~ own-updates: optimizer.zero_grad()
        #~ own-updates: logits = model(x)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.reshape(-1))
        losses.append(loss.item())
        #~ loss-of-last: losses = [loss.item()]
        #~ share-of-last: losses = [loss.item() / accumulation_steps]
        #~ loss-divided-twice: losses.append(loss.item() / accumulation_steps)
        #~ graph-kept: losses.append(loss)
        (loss / accumulation_steps).backward()
        #~ undivided: loss.backward()
        #~ nothing-divided: loss.backward()
        #~ divided-twice: (loss / accumulation_steps / accumulation_steps).backward()
        #~ clip-each: (loss / accumulation_steps).backward()
        #~ clip-each: clip_grad_norm_(model.parameters(), clip)
        #~ own-updates: loss.backward()
        #~ own-updates: clip_grad_norm_(model.parameters(), clip)
        #~ own-updates: optimizer.step()
        #~ step-inside: (loss / accumulation_steps).backward()
        #~ step-inside: clip_grad_norm_(model.parameters(), clip)
        #~ step-inside: optimizer.step()
    clip_grad_norm_(model.parameters(), max_norm=clip)
    #~ clip-missing:
    #~ clip-each:
    #~ step-inside:
    #~ own-updates:
    #~ clip-after-step: optimizer.step()
    #~ clip-per-tensor: for p in model.parameters(): clip_grad_norm_(p, max_norm=clip)
    #~ clip-by-value: clip_grad_value_(model.parameters(), clip)
    #~ zero-after-backward: optimizer.zero_grad()
    optimizer.step()
    #~ step-missing:
    #~ step-inside:
    #~ own-updates:
    #~ clip-after-step: clip_grad_norm_(model.parameters(), max_norm=clip)
    return sum(losses) / len(losses)
    #~ loss-sum: return sum(losses)
    #~ nothing-divided: return sum(losses)
