import torch.nn.functional as F


def drop(x, p):
    return F.dropout(x, p)
    #~ p-ignored: return F.dropout(x)
    #~ nothing-dropped: return F.dropout(x, p, training=False)
    #~ share-reversed: return F.dropout(x, 1 - p) * (1 - (1 - p)) / (1 - p) if p else x
    #~ p-is-kept: return F.dropout(x, 1 - p) if p else x
    #~ in-place: return F.dropout(x, p, inplace=True)
