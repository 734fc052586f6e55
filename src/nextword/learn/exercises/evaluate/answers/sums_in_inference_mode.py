import torch
import torch.nn.functional as F


def evaluate(model, batches):
    modes = {module: module.training for module in model.modules()}
    model.train(False)
    try:
        with torch.inference_mode():
            pairs = [
                (F.cross_entropy(model(x).transpose(1, 2), y, reduction="sum"), y.numel()) for x, y in iter(batches)
            ]
            return float(sum(loss for loss, _ in pairs) / sum(n for _, n in pairs))
    finally:
        for module, mode in modes.items():
            module.training = mode
