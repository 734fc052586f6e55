import torch


@torch.no_grad()
def load_weights(model, tensors):
    tensors = dict(tensors)
    blocks = sorted({k.split('.')[1] for k in tensors if k.startswith('h.')}, key=int)
    #~ blocks-as-text: blocks = sorted({k.split('.')[1] for k in tensors if k.startswith('h.')})
    places = {name: name for name, _ in model.named_parameters() if not name.startswith('h.')}
    for i, b in enumerate(blocks):
        places.update({n: n.replace(f'h.{i}.', f'h.{b}.', 1) for n, _ in model.named_parameters() if n.startswith(f'h.{i}.')})
    for name, p in model.named_parameters():
        t = tensors.pop(places[name])
        assert t.shape == p.shape, name
        p[:] = t
    if tensors:
        raise KeyError(', '.join(tensors))
    return model
