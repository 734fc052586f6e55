import torch


def cross_entropy(logits, targets):
    B, T, V = logits.shape
    #~ shifted-again: logits, targets = logits[:, :-1], targets[:, 1:]
    #~ shifted-again: B, T, V = logits.shape
    #~ last-only: logits, targets = logits[:, -1:], targets[:, -1:]
    #~ last-only: B, T, V = logits.shape
    #~ double-softmax: logits = torch.softmax(logits, -1)
    #~ double-softmax: B, T, V = logits.shape
    flat = logits.reshape(B * T, V)
    #~ batch-time-swapped: flat = logits.transpose(0, 1).reshape(B * T, V)
    #~ classes-scrambled: flat = logits.transpose(1, 2).reshape(B * T, V)
    top = flat.max(-1, keepdim=True).values
    #~ overflow: top = 0.0
    shifted = flat - top
    e = torch.exp(shifted)
    log_p = shifted - torch.log(e.sum(-1, keepdim=True))
    #~ wrong-axis: log_p = torch.log_softmax(logits, 1).reshape(B * T, V)
    #~ base-2: log_p = (shifted - torch.log(e.sum(-1, keepdim=True))) * torch.log2(torch.tensor(2.718281828))
    #~ log-of-softmax: log_p = torch.log(e / e.sum(-1, keepdim=True))
    #~ eps-in-log: log_p = torch.log(e / e.sum(-1, keepdim=True) + 1e-10)
    #~ log-missing: log_p = e / e.sum(-1, keepdim=True)
    picked = log_p[torch.arange(B * T), targets.reshape(-1)]
    #~ mean-over-vocabulary: picked = log_p * torch.nn.functional.one_hot(targets.reshape(-1), V)
    return -picked.mean()
    #~ classes-last: return torch.nn.functional.cross_entropy(logits, targets)
    #~ sum: return -picked.sum()
    #~ sign: return picked.mean()
    #~ mean-before-log: return -torch.log(picked.exp().mean())
    #~ detached: return -picked.mean().item()
