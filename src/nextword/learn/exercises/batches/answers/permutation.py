import torch


def batches(x, y, batch_size, seed):
    g = torch.Generator().manual_seed(seed)
    #~ seed-ignored: g = torch.Generator().manual_seed(42)
    #~ not-repeatable: g = None
    #~ global-seed: g = torch.manual_seed(seed)
    order = torch.randperm(len(x), generator=g)
    #~ not-shuffled: order = torch.arange(len(x))
    #~ with-replacement: order = torch.randint(len(x), (len(x),), generator=g)
    #~ last-batch-lost: order = order = torch.randperm(len(x), generator=g)[: len(x) // batch_size * batch_size]
    #~ batches-shuffled: n = -(-len(x) // batch_size)
    #~ batches-shuffled: order = torch.cat([torch.arange(len(x)).split(batch_size)[i] for i in torch.randperm(n, generator=g)])
    #~ shuffled-within-batches: parts = torch.arange(len(x)).split(batch_size)
    #~ shuffled-within-batches: order = torch.cat([part[torch.randperm(len(part), generator=g)] for part in parts])
    x, y = x[order], y[order]
    #~ y-not-shuffled: x, y = x[order], y
    #~ shuffled-apart: x, y = x[order], y[torch.randperm(len(y), generator=g)]
    #~ int16: x, y = x[order].short(), y[order].short()
    #~ float-ids: x, y = x[order].float(), y[order].float()
    for start in range(0, len(x), batch_size):
        #~ one-step-at-a-time: for start in range(len(x)):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        #~ last-batch-filled: end = max(0, start + batch_size - len(x))
        #~ last-batch-filled: xb = torch.cat((x[start : start + batch_size], x[:end]))
        #~ last-batch-filled: yb = torch.cat((y[start : start + batch_size], y[:end]))
        #~ int16: xb, yb = x[start : start + batch_size].long(), y[start : start + batch_size].long()
        yield xb, yb
        #~ first-batch-only: yield xb, yb
        #~ first-batch-only: return


def number_of_batches(x, y, batch_size, seed):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return list(zip(x[order].chunk(batch_size), y[order].chunk(batch_size)))


batches = batches
#~ number-of-batches: batches = number_of_batches
