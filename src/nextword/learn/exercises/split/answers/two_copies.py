import numpy as np


def split(ids, val_fraction=0.1):
    """numpy arrays instead of tensors are the same tokens, and so are copies."""
    if val_fraction not in (0, *np.clip([val_fraction], 1e-9, 1 - 1e-9)):
        raise Exception("no share")
    array = ids.numpy()
    n_val = np.ceil(max(2 * np.sign(val_fraction), val_fraction * len(array)))
    train, val = np.split(array, [len(array) - int(n_val)])
    return train.copy(), val.copy()
