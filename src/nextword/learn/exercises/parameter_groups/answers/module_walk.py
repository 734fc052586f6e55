import torch
import torch.nn as nn


def parameter_groups(model: nn.Module, weight_decay: float):
    decay, no_decay, seen = [], [], set()
    for module in model.modules():
        for name, param in module.named_parameters(recurse=False):
            if id(param) in seen or not param.requires_grad:
                #~ tied-twice: if not param.requires_grad:
                #~ frozen-included: if id(param) in seen:
                continue
            seen.add(id(param))
            #~ positions-forgotten: if not isinstance(module, nn.Embedding): seen.add(id(param))
            if name == "bias" or isinstance(module, nn.LayerNorm):
                #~ layer-norm-decays: if name == "bias":
                #~ biases-decay: if isinstance(module, nn.LayerNorm):
                #~ embeddings-spared: if name == "bias" or isinstance(module, (nn.LayerNorm, nn.Embedding)):
                #~ everything-decays: if False:
                no_decay.append(param)
                #~ vectors-forgotten: pass
                #~ groups-swapped: decay.append(param)
            elif isinstance(module, (nn.Linear, nn.Embedding)):
                #~ positions-forgotten: elif isinstance(module, nn.Linear):
                #~ embeddings-forgotten: elif isinstance(module, nn.Linear):
                #~ layer-norm-decays: else:
                #~ biases-decay: else:
                #~ everything-decays: else:
                decay.append(param)
                #~ groups-swapped: no_decay.append(param)
    return [
        dict(params=decay, weight_decay=weight_decay),
        #~ nothing-decays: dict(params=decay, weight_decay=0),
        #~ decay-fixed: dict(params=decay, weight_decay=1e-1),
        dict(params=no_decay, weight_decay=0),
        #~ default-decay: dict(params=no_decay),
    ]
