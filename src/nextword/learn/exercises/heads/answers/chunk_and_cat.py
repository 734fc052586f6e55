import torch


def split_heads(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1), dim=1)
    #~ split-untransposed: return torch.stack(x.chunk(n_head, dim=-1), dim=2)
    #~ split-interleaved: return torch.stack([x[..., h::n_head] for h in range(n_head)], dim=1)
    #~ split-for-keys: return torch.stack([head.transpose(1, 2) for head in x.chunk(n_head, dim=-1)], dim=1)


def merge_heads(x):
    return torch.cat(x.unbind(1), dim=-1)
    #~ merge-interleaved: return torch.stack(x.unbind(1), dim=-1).flatten(2)
    #~ merge-one-behind-another: return torch.cat(x.unbind(1), dim=1)
    #~ merge-added: return sum(x.unbind(1))
    #~ merge-unjoined: return torch.stack(x.unbind(1), dim=2)
