from itertools import islice

from parts import gradient_step, learning_rate


def rate_for(optimizer, rate):
    for group in optimizer.param_groups:
        group.update(lr=rate)
    return optimizer


def train(model, optimizer, batches, steps, warmup, peak, *, clip=1.0, start=0):
    return [
        gradient_step(model.train(), rate_for(optimizer, learning_rate(start + i, steps, warmup, peak)), [b], clip)
        for i, b in enumerate(islice(batches, steps - start))
    ]
