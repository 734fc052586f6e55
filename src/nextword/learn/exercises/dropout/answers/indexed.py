import numpy as np
import torch


def drop(x, p):
    y = x.clone() / (1 - p)
    y[torch.from_numpy(np.random.random(x.shape) < p)] = 0
    return y
