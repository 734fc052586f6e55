import torch
from torch import nn


def assign(param: nn.Parameter, tensor: torch.Tensor) -> None:
    if param.shape != tensor.shape:
        #~ broadcast: if False:
        raise ValueError(f"Shape mismatch: {param.shape} and {tensor.shape}")
        #~ mis-shaped-passed-over: return
        #~ reshaped: tensor = tensor.view(param.shape)
    param.data.copy_(tensor)
    #~ shared: param.data = tensor
    #~ rebound: param = nn.Parameter(tensor)
    #~ frozen: param.requires_grad_(False).copy_(tensor)


def load_weights(model: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    expected = [name for name, _ in model.named_parameters()]
    if set(expected) != set(tensors):
        #~ missing-passed-over: if set(tensors) - set(expected):
        #~ unknown-passed-over: if set(expected) - set(tensors):
        #~ not-strict: if False:
        raise ValueError(f"keys differ: {set(expected) ^ set(tensors)}")
    numbers = sorted({int(name.split(".")[1]) for name in expected if name.startswith("h.")})
    #~ blocks-as-text: numbers = sorted({name.split(".")[1] for name in expected if name.startswith("h.")})
    for name, param in list(model.named_parameters()):
        #~ only-weights: for name, param in ((n, p) for n, p in model.named_parameters() if not n.endswith(".bias") and n != "bias"):
        #~ by-place: for name, (_, param) in zip(tensors, model.named_parameters()):
        if name not in tensors:
            continue
        key = name
        if name.startswith("h."):
            #~ by-place: if False:
            i, rest = name.split(".", 2)[1:]
            key = f"h.{numbers[int(i)]}.{rest}"
        assign(param, tensors[key])
        #~ replaced: owner, leaf = name.rpartition(".")[::2]
        #~ replaced: assert param.shape == tensors[key].shape
        #~ replaced: setattr(model.get_submodule(owner), leaf, nn.Parameter(tensors[key].clone().detach()))
