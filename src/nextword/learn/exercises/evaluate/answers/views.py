import torch
import torch.nn.functional as F


@torch.no_grad()
def evaluate(model, batches):
    mode = model.training
    model.eval()
    total = count = 0
    for X, Y in batches:
        logits = model(X)
        total += F.cross_entropy(logits.view(-1, logits.size(-1)), Y.view(-1), reduction="sum").item()
        count += Y.numel()
    model.train(mode)
    return total / count
