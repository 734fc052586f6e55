import torch
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    logps = torch.log_softmax(logits, dim=-1)
    #~ wrong-axis: logps = torch.log_softmax(logits, dim=1)
    #~ double-softmax: logps = torch.log_softmax(torch.softmax(logits, dim=-1), dim=-1)
    #~ log-of-softmax: logps = torch.softmax(logits, dim=-1).log()
    #~ eps-in-log: logps = torch.log(torch.softmax(logits, dim=-1) + 1e-8)
    #~ log-missing: logps = torch.softmax(logits, dim=-1)
    #~ overflow: logps = torch.log(torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True))
    #~ base-2: logps = torch.log_softmax(logits, dim=-1) / torch.log(torch.tensor(2.0))
    nll = -torch.gather(logps, -1, targets[..., None])[..., 0]
    #~ sign: nll = torch.gather(logps, -1, targets[..., None])[..., 0]
    #~ shifted-again: nll = -torch.gather(logps[:, :-1], -1, targets[:, 1:, None])[..., 0]
    #~ last-only: nll = -torch.gather(logps[:, -1], -1, targets[:, -1:])
    #~ mean-over-vocabulary: nll = -logps * torch.nn.functional.one_hot(targets, logits.shape[-1])
    #~ batch-time-swapped: nll = -logps.reshape(-1, logits.shape[-1])[range(targets.numel()), targets.T.reshape(-1)]
    return nll.mean()
    #~ sum: return nll.sum()
    #~ mean-before-log: return -torch.log(torch.exp(-nll).mean())
    #~ detached: return nll.mean().detach()
