import torch


def logit_lens(model, ids):
    """Watches the blocks with hooks, and runs the model as it is."""
    was = model.training
    inputs = {}
    hooks = [
        block.register_forward_pre_hook(lambda m, args, i=i: inputs.__setitem__(i, args[0]))
        for i, block in enumerate(model.h)
    ]
    hooks.append(model.ln_f.register_forward_pre_hook(lambda m, args: inputs.__setitem__(len(model.h), args[0])))
    model.eval()
    #~ dropout-on:
    with torch.no_grad():
        model.trunk(ids)
        for hook in hooks:
            hook.remove()
        x = torch.stack([inputs[i] for i in range(len(model.h) + 1)])
        #~ embeddings-missing: x = torch.stack([inputs[i] for i in range(1, len(model.h) + 1)])
        #~ last-missing: x = torch.stack([inputs[i] for i in range(len(model.h))])
        #~ block-outputs: x = torch.stack([inputs[i] - (inputs[i - 1] if i else 0) for i in range(len(model.h) + 1)])
        #~ normalised-between: xs = [model.embed(ids)]
        #~ normalised-between: for block in model.h:
        #~ normalised-between:     xs.append(block(model.ln_f(xs[-1])))
        #~ normalised-between: x = torch.stack(xs)
        #~ last-normalised-twice: x = torch.stack([inputs[i] for i in range(len(model.h))] + [model.ln_f(inputs[len(model.h)])])
        #~ embeddings-again: x = torch.stack([inputs[0]] + [block(inputs[0]) for block in model.h])
        #~ positions-missing: xs = [model.wte(ids)]
        #~ positions-missing: for block in model.h:
        #~ positions-missing:     xs.append(block(xs[-1]))
        #~ positions-missing: x = torch.stack(xs)
        y = model.ln_f(x) @ model.wte.weight.T
        #~ ln-f-missing: y = x @ model.wte.weight.T
        #~ last-position-only: y = model.ln_f(x[:, :, -1]) @ model.wte.weight.T
    model.train(was)
    #~ mode-not-restored:
    return y
    #~ probabilities: return torch.softmax(y, dim=-1)
    #~ texts-first: return y.permute(1, 0, 2, 3)
