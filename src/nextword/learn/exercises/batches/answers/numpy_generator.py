import numpy as np


def batches(x, y, batch_size, seed):
    order = np.random.default_rng(seed).permutation(len(x))
    for i in range(0, len(x), batch_size):
        chosen = order[i : i + batch_size].tolist()
        yield [x[chosen], y[chosen]]
