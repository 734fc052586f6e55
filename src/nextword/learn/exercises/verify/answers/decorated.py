import math
import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.inference_mode()
#~ gradients-kept:
def verify(model: nn.Module, ids: Tensor, expected: Tensor, tolerance: float = 1e-4) -> float:
    was_training = model.training
    if was_training:
        #~ dropout-on: if False:
        model.eval()
    try:
        logits = model(ids)
        #~ last-position-only: logits, expected = model(ids)[:, -1, :], expected[:, -1, :]
        #~ first-text-only: logits, expected = model(ids)[0], expected[0]
        #~ probabilities: logits, expected2 = F.softmax(model(ids), dim=-1), F.softmax(expected, dim=-1)
    finally:
        if was_training:
            #~ left-in-eval: if False:
            #~ left-in-training: if True:
            model.train()
    gap = torch.linalg.vector_norm(logits - expected, ord=float("inf"))
    #~ mean: gap = F.l1_loss(logits, expected)
    #~ mean-square: gap = F.mse_loss(logits, expected)
    #~ signed: gap = torch.max(logits - expected)
    #~ sign-of-max: gap = torch.abs(logits.max() - expected.max())
    #~ argmax-only: gap = 1 - (torch.argmax(logits, dim=-1) == torch.argmax(expected, dim=-1)).float().mean()
    #~ probabilities: gap = torch.max(torch.abs(logits - expected2))
    #~ each-relative: gap = torch.max(torch.abs(logits - expected) / torch.abs(expected))
    gap = gap.item()
    size = float(torch.max(torch.abs(expected)))
    #~ tolerance-absolute: size = 1.0
    #~ largest-with-sign: size = float(torch.max(expected))
    if math.isnan(gap) or gap > tolerance * size:
        #~ nan-passes: if gap > tolerance * size:
        #~ no-error: if False:
        raise ValueError("model is not exact: " + str(gap))
    return gap
    #~ true-or-false: return True
    #~ relative-returned: return gap / size
