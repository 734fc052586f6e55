import torch


def perplexity(losses, counts):
    losses, counts = torch.as_tensor(losses), torch.as_tensor(counts)
    return torch.exp((losses * counts).sum() / counts.sum())
