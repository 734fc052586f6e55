import torch


def load_weights(model, tensors):
    params = dict(model.named_parameters())
    for name in params:
        #~ missing-passed-over: for name in ():
        #~ not-strict: for name in ():
        if name not in tensors:
            raise ValueError(f"{name} is missing")
    for name in tensors:
        #~ unknown-passed-over: for name in ():
        #~ not-strict: for name in ():
        if name not in params:
            raise ValueError(f"unexpected {name}")
    for i, name in enumerate(params):
        if name not in tensors:
            continue
        p, tensor = params[name], tensors[name]
        #~ by-place: p, tensor = params[name], list(tensors.values())[i]
        if p.shape != tensor.shape:
            #~ broadcast: if False:
            raise ValueError(f"{name}: {tensor.shape} instead of {p.shape}")
            #~ reshaped: tensor = tensor.reshape(p.shape)
            #~ mis-shaped-passed-over: continue
        with torch.no_grad():
            p.copy_(tensor)
            #~ only-weights: if "weight" in name: p.copy_(tensor)
            #~ replaced: owner = model.get_submodule(name.rpartition(".")[0])
            #~ replaced: owner.register_parameter(name.split(".")[-1], torch.nn.Parameter(tensor.clone()))
            #~ shared: p.data = tensor
            #~ rebound: p = tensor
            #~ frozen: p.copy_(tensor)
            #~ frozen: p.requires_grad = False
