from parts import gradient_step, learning_rate


def train(model, optimizer, batches, steps, warmup, peak, *, clip=1.0, start=0):
    step, losses = start, []
    while step < steps:
        model.train(True)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, warmup, peak)
        losses += [gradient_step(model, optimizer, (next(batches),), clip)]
        step += 1
    return losses
