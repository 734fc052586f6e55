from torch import Tensor


def split_heads(x: Tensor, n_head: int) -> Tensor:
    batch, tokens, width = x.size()
    head_dim = width // n_head
    #~ split-float-size: head_dim = width / n_head
    #~ split-swapped: head_dim, n_head = n_head, width // n_head
    x = x.reshape(batch, tokens, n_head, head_dim)
    #~ split-by-view: return x.reshape(batch, n_head, tokens, head_dim)
    #~ split-interleaved: x = x.reshape(batch, tokens, head_dim, n_head).transpose(-1, -2)
    return x.permute(0, 2, 1, 3)
    #~ split-untransposed: return x
    #~ split-for-keys: return x.permute(0, 2, 3, 1)


def merge_heads(x: Tensor) -> Tensor:
    batch, n_head, tokens, head_dim = x.size()
    x = x.permute(0, 2, 1, 3)
    #~ merge-by-view:
    #~ merge-interleaved: x = x.permute(0, 2, 3, 1)
    #~ merge-last-two: x = x.permute(0, 1, 3, 2)
    return x.reshape(batch, tokens, -1)
    #~ merge-unjoined: return x
    #~ merge-untransposed: return x.permute(0, 2, 1, 3).reshape(batch, n_head, -1)
    #~ merge-one-behind-another: return x.permute(0, 2, 1, 3).reshape(batch, -1, head_dim)
    #~ merge-added: return x.sum(2)
    #~ merge-view-refused: return x.view(batch, tokens, -1)
