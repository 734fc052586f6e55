"""From ids to batches, written out; `windows.py` does it without ever holding all windows at once.

N tokens in the text, n windows, B windows in a batch.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def windows(ids: Tensor, window: int, stride: int) -> tuple[Tensor, Tensor]:
    """Cut a text into windows: inputs x, and targets y, the token after each.

    ids (N,) of any integer type -> x, y (n, window) of int64. Windows start at
    0, stride, 2 * stride, ... as long as x and y both lie inside the text, so
    n = (N - 1 - window) // stride + 1; a rest that fills no window is left out.
    """
    starts = range(0, len(ids) - window, stride)
    x = torch.stack([ids[start : start + window] for start in starts]).long()
    y = torch.stack([ids[start + 1 : start + 1 + window] for start in starts]).long()
    return x, y


def batches(x: Tensor, y: Tensor, batch_size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield all windows once, in an order drawn from the seed, `batch_size` of them at a time.

    x, y (n, window) -> pairs x, y (B, window), B = batch_size; what is left
    over comes last, as a smaller batch. A seed always gives the same order, and
    PyTorch's global random state is neither read nor moved.
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))  # (n,)
    for rows in order.split(batch_size):
        yield x[rows], y[rows]
