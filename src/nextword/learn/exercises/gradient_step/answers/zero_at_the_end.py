import torch

from parts import cross_entropy


def gradient_step(model, optimizer, micro_batches, clip):
    """Gradients are None whenever nobody is at work here."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    mean_loss = torch.zeros(())
    for batch in micro_batches:
        inputs, labels = batch
        loss = cross_entropy(model(inputs), labels)
        loss.backward()
        mean_loss = mean_loss + loss.detach() / len(micro_batches)
    for p in parameters:
        p.grad /= len(micro_batches)
        #~ divided-twice: p.grad /= len(micro_batches) ** 2
        #~ undivided: pass
    norm = torch.stack([p.grad.norm() for p in parameters]).norm()
    #~ lengths-added: norm = torch.stack([p.grad.norm() for p in parameters]).sum()
    #~ root-missing: norm = torch.stack([p.grad.norm() for p in parameters]).square().sum()
    factor = (clip / (norm + 1e-6)).clamp(max=1.0)
    #~ clip-always: factor = clip / (norm + 1e-6)
    for p in parameters:
        p.grad *= factor
    optimizer.step()
    optimizer.zero_grad()
    #~ zero-missing:
    return mean_loss
