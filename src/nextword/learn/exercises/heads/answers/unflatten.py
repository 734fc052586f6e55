import torch


def split_heads(x, n_head):
    """With names for the dimensions."""
    return torch.einsum("bthd->bhtd", x.unflatten(-1, (n_head, -1)))


def merge_heads(x):
    parts = torch.zeros(x.shape[0], x.shape[2], x.shape[1] * x.shape[3])
    width = x.shape[-1]
    for h in range(x.shape[1]):
        parts[:, :, h * width : (h + 1) * width] = x[:, h]
    return parts
