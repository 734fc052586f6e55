import torch
from torch.nn import functional as F


@torch.no_grad()
#~ gradients-left-off:
#~ graph-kept:
#~ backward-left-in:
def evaluate(model, batches):
    training = model.training
    #~ gradients-left-off: training = model.training
    #~ gradients-left-off: torch.set_grad_enabled(False)
    model.eval()
    #~ dropout-on: pass
    losses, weights = [], []
    for x, y in batches:
        #~ last-dropped: for x, y in batches[: len(batches) - 1]:
        logits = model(x)
        loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))
        losses.append(loss.detach())
        #~ backward-left-in: losses.append(loss.detach())
        #~ backward-left-in: loss.backward()
        #~ last-only: losses = [loss.detach()]
        weights.append(y.numel())
        #~ unweighted: weights.append(1)
        #~ weighted-by-texts: weights.append(len(y))
        #~ last-only: weights = [y.numel()]
        #~ first-only: weights.append(y.numel())
        #~ first-only: break
    if training:
        #~ left-in-eval: if False:
        #~ left-in-training: if True:
        model.train()
    losses, weights = torch.stack(losses), torch.tensor(weights)
    result = (losses * weights).sum() / weights.sum()
    #~ divided-by-batches: result = (losses * weights).sum() / len(losses)
    #~ sum: result = (losses * weights).sum()
    #~ perplexity: result = ((losses * weights).sum() / weights.sum()).exp()
    return result.item()
