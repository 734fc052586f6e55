import torch
import torch.nn.functional as F


def logit_lens(model, ids):
    """One tensor a layer, in a list."""
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        stream = [model.embed(ids)]
        for block in model.h:
            stream.append(block(stream[-1]))
        logits = [F.linear(model.ln_f(x), model.wte.weight) for x in stream]
    if was_training:
        model.train()
    return logits
