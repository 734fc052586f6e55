def split_heads(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)
    #~ split-by-view: return x.view(B, n_head, T, C // n_head)
    #~ split-untransposed: return x.view(B, T, n_head, C // n_head)
    #~ split-interleaved: return x.view(B, T, C // n_head, n_head).permute(0, 3, 1, 2)
    #~ split-float-size: return x.view(B, T, n_head, C / n_head).transpose(1, 2)
    #~ split-swapped: return x.view(B, T, C // n_head, n_head).transpose(1, 2)
    #~ split-for-keys: return x.view(B, T, n_head, C // n_head).permute(0, 2, 3, 1)


def merge_heads(x):
    B, H, T, D = x.shape
    return x.transpose(1, 2).contiguous().view(B, T, H * D)
    #~ merge-untransposed: return x.flatten(2)
    #~ merge-by-view: return x.contiguous().view(B, T, H * D)
    #~ merge-interleaved: return x.permute(0, 2, 3, 1).contiguous().view(B, T, H * D)
    #~ merge-last-two: return x.transpose(2, 3).contiguous().view(B, T, H * D)
    #~ merge-unjoined: return x.transpose(1, 2).contiguous()
    #~ merge-view-refused: return x.transpose(1, 2).view(B, T, H * D)
