import torch


def factor(step, steps, warmup, floor):
    """What LambdaLR would multiply the peak with."""
    up = (step + 1) / max(1, warmup)
    progress = torch.tensor((step - warmup) / max(1, steps - 1 - warmup))
    down = floor + (1 - floor) * (1 + torch.cos(torch.pi * progress)) / 2
    return up if step < warmup else down.item()


def learning_rate(step, steps, warmup, peak, floor=0.1):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: factor(step, steps, warmup, floor))
    return optimizer.param_groups[0]["lr"]
