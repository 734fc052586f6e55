import random

import torch


def batches(x, y, batch_size, seed):
    rng = random.Random(seed)
    #~ seed-ignored: rng = random.Random(1337)
    #~ not-repeatable: rng = random.SystemRandom()
    windows = list(zip(x, y))
    #~ y-not-shuffled: windows, targets = list(x), list(y)
    #~ shuffled-apart: windows, targets = list(x), list(y)
    rng.shuffle(windows)
    #~ not-shuffled:
    #~ shuffled-apart: rng.shuffle(windows)
    #~ shuffled-apart: rng.shuffle(targets)
    #~ shuffled-apart: windows = list(zip(windows, targets))
    #~ y-not-shuffled: rng.shuffle(windows)
    #~ y-not-shuffled: windows = list(zip(windows, targets))
    #~ with-replacement: windows = rng.choices(windows, k=len(windows))
    #~ batches-shuffled:
    #~ shuffled-within-batches:
    out = []
    #~ number-of-batches: out, batch_size = [], -(-len(windows) // batch_size)
    while windows:
        #~ last-batch-lost: while len(windows) >= batch_size:
        batch, windows = windows[:batch_size], windows[batch_size:]
        #~ one-step-at-a-time: batch, windows = windows[:batch_size], windows[1:]
        #~ last-batch-filled: batch, windows = windows[:batch_size], windows[batch_size:]
        #~ last-batch-filled: if len(batch) < batch_size: batch += first[: batch_size - len(batch)]
        #~ last-batch-filled: first = batch
        #~ shuffled-within-batches: batch, windows = windows[:batch_size], windows[batch_size:]
        #~ shuffled-within-batches: rng.shuffle(batch)
        out.append((torch.stack([a for a, b in batch]), torch.stack([b for a, b in batch])))
        #~ first-batch-only: return torch.stack([a for a, b in batch]), torch.stack([b for a, b in batch])
        #~ float-ids: out.append(tuple(torch.Tensor([row.tolist() for row in part]) for part in zip(*batch)))
        #~ int16: out.append(tuple(torch.stack(part).to(torch.int16).to(torch.int64) for part in zip(*batch)))
    return out
    #~ batches-shuffled: rng.shuffle(out)
    #~ batches-shuffled: return out
