import torch


def layer_norm(x, weight, bias, eps=1e-5):
    """One token at a time, with the variance as the mean of squares less the square of the mean."""
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        mean = sum(row) / len(row)
        variance = torch.dot(row, row) / len(row) - mean * mean
        rows.append(torch.addcmul(bias, weight, (row - mean) * (variance + eps) ** -0.5))
    return torch.stack(rows).view_as(x)
