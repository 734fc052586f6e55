import torch


def split(ids, val_fraction=0.1):
    assert 0 <= val_fraction < 1
    #~ fraction-unchecked:
    #~ one-accepted: assert 0 <= val_fraction <= 1
    #~ zero-refused: assert 0 < val_fraction < 1
    n = int(len(ids) * (1 - val_fraction))
    #~ fraction-inverted: n = int(len(ids) * val_fraction)
    #~ fraction-ignored: n = int(len(ids) * 0.9)
    #~ random-tokens: n, ids = int(len(ids) * (1 - val_fraction)), ids[torch.randperm(len(ids))]
    n = min(n, len(ids) - 2) if val_fraction > 0 else n
    #~ minimum-missing:
    #~ minimum-always: n = min(n, len(ids) - 2)
    #~ fraction-inverted: n = min(n, len(ids) - 2) if val_fraction < 1 else n
    train_data = ids[:n]
    #~ zero-from-the-end: train_data = ids[: n - len(ids)]
    #~ trains-on-everything: train_data = ids
    #~ validation-first: train_data = ids[len(ids) - n:]
    val_data = ids[n:]
    #~ zero-from-the-end: val_data = ids[n - len(ids):]
    #~ one-token-shared: val_data = ids[n - 1:]
    #~ token-lost-between: val_data = ids[n + 1:]
    #~ last-token-lost: val_data = ids[n:-1]
    #~ validation-first: val_data = ids[: len(ids) - n]
    #~ every-so-many: every = int(1 / val_fraction) if val_fraction else len(ids) + 1
    #~ every-so-many: is_val = torch.tensor([bool(val_fraction) and i % every == 0 for i in range(len(ids))])
    #~ every-so-many: train_data, val_data = ids[~is_val], ids[is_val]
    return train_data, val_data
    #~ parts-exchanged: return val_data, train_data
