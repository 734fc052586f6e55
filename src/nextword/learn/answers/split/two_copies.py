import numpy as np


def split(ids, val_fraction=0.1):
    """numpy arrays instead of tensors are the same tokens, and so are copies."""
    array = ids.numpy()
    train, val = np.split(array, [len(array) - int(round(val_fraction * len(array)))])
    return train.copy(), val.copy()
