import torch
import torch.nn.functional as F


def gradient_step(model, optimizer, micro_batches, clip):
    optimizer.zero_grad(set_to_none=True)
    lossf = 0.0
    for X, Y in micro_batches:
        logits = model(X)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), Y.view(-1)) / len(micro_batches)
        lossf += loss.detach()
        loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return lossf.item()
