import torch.nn.functional as F


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    #~ classes-last: return F.cross_entropy(logits, targets)
    #~ double-softmax: return F.cross_entropy(F.softmax(logits, dim=-1).flatten(0, 1), targets.flatten())
    #~ batch-time-swapped: return F.cross_entropy(logits.transpose(0, 1).flatten(0, 1), targets.flatten())
    #~ classes-scrambled: return F.cross_entropy(logits.transpose(1, 2).reshape(-1, logits.size(-1)), targets.flatten())
    #~ sum: return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    #~ shifted-again: return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())
    #~ last-only: return F.cross_entropy(logits[:, -1], targets[:, -1])
    #~ log-missing: return F.nll_loss(F.softmax(logits, dim=-1).flatten(0, 1), targets.flatten())
    #~ sign: return F.nll_loss(-F.log_softmax(logits, dim=-1).flatten(0, 1), targets.flatten())
    #~ detached: return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()
    #~ wrong-axis: return F.nll_loss(F.log_softmax(logits, dim=1).flatten(0, 1), targets.flatten())
