import torch


def batches(x, y, batch_size, seed):
    """The global generator, borrowed and given back; an order by sorting random numbers; pairs by zip."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        order = torch.rand(x.shape[0]).argsort()
    return zip(x.index_select(0, order).split(batch_size), y.index_select(0, order).split(batch_size))
