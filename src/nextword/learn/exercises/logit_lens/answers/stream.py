import torch


@torch.no_grad()
def logit_lens(model, ids):
    mode = model.training
    model.eval()
    #~ dropout-on:
    x = model.embed(ids)
    #~ positions-missing: x = model.wte(ids)
    seen = [x]
    #~ embeddings-missing: seen = []
    for block in model.h:
        #~ last-missing: for block in model.h[:-1]:
        #~ normalised-between: for block in [lambda x, block=block: block(model.ln_f(x)) for block in model.h]:
        x = block(x)
        #~ block-outputs: old, x = x, block(x)
        #~ embeddings-again: x = block(seen[0])
        seen.append(x)
        #~ block-outputs: seen.append(x - old)
    seen = [model.ln_f(x) for x in seen]
    #~ ln-f-missing:
    #~ last-normalised-twice: seen = [model.ln_f(x) for x in seen[:-1] + [model.ln_f(seen[-1])]]
    logits = torch.stack([model.head(x) for x in seen])
    #~ probabilities: logits = torch.stack([model.head(x).softmax(-1) for x in seen])
    #~ texts-first: logits = torch.stack([model.head(x) for x in seen], dim=1)
    model.train(mode)
    #~ mode-not-restored:
    return logits
    #~ last-position-only: return logits[:, :, -1, :]
