from parts import cross_entropy, gradient_step, learning_rate


def train(model, optimizer, batches, steps, warmup, peak, *, clip=1.0, start=0):
    model.train()
    #~ mode-not-set:
    losses = []
    for step, batch in zip(range(start, steps), batches):
        #~ one-too-few: for step, batch in zip(range(start, steps - 1), batches):
        #~ one-too-many: for step, batch in zip(range(start, steps + 1), batches):
        #~ steps-ignored: for step, batch in enumerate(batches, start):
        #~ start-ignored: for step, batch in zip(range(steps), batches):
        #~ start-added: for step, batch in zip(range(start, start + steps), batches):
        #~ batches-skipped: for step, batch in zip(range(start, steps), list(batches)[start:]):
        #~ same-batch: for step in range(start, steps):
        #~ same-batch:     batch = next(iter(batches))
        lr = learning_rate(step, steps, warmup, peak)
        #~ rate-early: lr = learning_rate(step + 1, steps, warmup, peak)
        for group in optimizer.param_groups:
            #~ first-group-only: for group in optimizer.param_groups[:1]:
            #~ rate-never-set:
            #~ rate-late:
            group["lr"] = lr
            #~ rate-never-set:
            #~ rate-late:
        loss = gradient_step(model, optimizer, [batch], clip)
        #~ rate-late: loss = gradient_step(model, optimizer, [batch], clip)
        #~ rate-late: for group in optimizer.param_groups:
        #~ rate-late:     group["lr"] = lr
        #~ clip-missing: loss = gradient_step(model, optimizer, [batch], float("inf"))
        #~ clip-fixed: loss = gradient_step(model, optimizer, [batch], clip=1.0)
        losses.append(loss)
        #~ loss-after-update: losses.append(cross_entropy(model(batch[0]), batch[1]).item())
    return losses
    #~ last-loss-only: return loss
