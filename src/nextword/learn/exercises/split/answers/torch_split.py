import torch


def split(ids, val_fraction=0.1):
    if not 0 <= val_fraction < 1:
        raise ValueError(val_fraction)
    n_val = max(round(len(ids) * val_fraction), 2 * (val_fraction > 0))
    #~ fraction-ignored: n_val = len(ids) // 10
    #~ minimum-missing: n_val = round(len(ids) * val_fraction)
    #~ minimum-always: n_val = max(round(len(ids) * val_fraction), 2)
    n_train = len(ids) - n_val
    #~ fraction-inverted: n_train = round(len(ids) * val_fraction)
    #~ fraction-inverted: n_val = len(ids) - n_train
    train, val = torch.split(ids, [n_train, n_val])
    #~ trains-on-everything: train, val = ids, torch.split(ids, [n_train, n_val])[1]
    #~ validation-first: val, train = torch.split(ids, [n_val, n_train])
    #~ parts-exchanged: val, train = torch.split(ids, [n_train, n_val])
    #~ zero-from-the-end: train, val = ids[:-n_val], ids[-n_val:]
    #~ random-tokens: train, val = [part.dataset[part.indices] for part in torch.utils.data.random_split(ids, [n_train, n_val])]
    #~ one-token-shared: train, val = ids[:n_train], ids[n_train - 1:]
    #~ token-lost-between: train, val = ids[:n_train], ids[n_train + 1:]
    #~ last-token-lost: train, val = ids[:n_train], ids[n_train:-1]
    return train, val
