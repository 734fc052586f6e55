import math

import torch
import torch.nn as nn

from parts import LayerNorm


def _init_weights(module):
    if isinstance(module, nn.Linear):
        torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        #~ variance: torch.nn.init.normal_(module.weight, mean=0.0, std=0.02**0.5)
        #~ deviation-one: torch.nn.init.normal_(module.weight)
        #~ linears-left: return
        #~ uniform: torch.nn.init.uniform_(module.weight, -0.02, 0.02)
        if module.bias is not None:
            torch.nn.init.zeros_(module.bias)
            #~ biases-random: torch.nn.init.normal_(module.bias, mean=0.0, std=0.02)
            #~ biases-left: pass
    elif isinstance(module, nn.Embedding):
        torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        #~ variance: torch.nn.init.normal_(module.weight, mean=0.0, std=0.02**0.5)
        #~ deviation-one: torch.nn.init.normal_(module.weight)
        #~ uniform: torch.nn.init.uniform_(module.weight, -0.02, 0.02)
    elif isinstance(module, (LayerNorm, nn.LayerNorm)):
        torch.nn.init.ones_(module.weight)
        #~ norms-random: torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        #~ norms-zero: torch.nn.init.zeros_(module.weight)
        torch.nn.init.zeros_(module.bias)


def init_weights(model):
    model.apply(_init_weights)
    #~ defaults-left:
    for pn, p in model.named_parameters():
        if pn.endswith("c_proj.weight"):
            #~ all-scaled: if pn.endswith(("c_proj.weight", "c_attn.weight", "c_fc.weight")):
            #~ attention-scaled: if pn.endswith("attn.c_proj.weight"):
            #~ mlp-scaled: if pn.endswith("mlp.c_proj.weight"):
            torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * model.config.n_layer))
            #~ residual-unscaled: pass
            #~ scaled-by-n-layer: torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(model.config.n_layer))
            #~ scaled-without-root: torch.nn.init.normal_(p, mean=0.0, std=0.02 / (2 * model.config.n_layer))
            #~ variance: torch.nn.init.normal_(p, mean=0.0, std=(0.02 / (2 * model.config.n_layer)) ** 0.5)
            #~ deviation-one: torch.nn.init.normal_(p, std=1 / math.sqrt(2 * model.config.n_layer))
            #~ uniform: p.data.uniform_(-0.02, 0.02).div_(math.sqrt(2 * model.config.n_layer))
            #~ linears-left: pass
            #~ defaults-left: p = torch.randn_like(p) * 0.02
