import torch


def frequency_loss(ids):
    """The mean loss of a model that gives each token its frequency, over the very text."""
    frequencies = torch.bincount(ids).double() / ids.numel()
    losses = -frequencies[ids].log()
    #~ entropy-in-bits: losses = -frequencies[ids].log2()
    #~ sign: losses = frequencies[ids].log()
    #~ zero-times-log: losses = -(frequencies * frequencies.log()).sum()
    return losses.mean().item()
    #~ sum: return losses.sum().item()


def bits_per_byte(loss, n_tokens, n_bytes):
    nats = loss * n_tokens
    bits = nats * 1.4426950408889634
    return bits / n_bytes
