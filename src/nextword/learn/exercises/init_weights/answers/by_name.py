import copy
import math

import torch
from torch import nn


@torch.no_grad()
def init_weights(model):
    n = 2 * model.config.n_layer
    #~ scaled-by-n-layer: n = model.config.n_layer
    #~ scaled-without-root: n = (2 * model.config.n_layer) ** 2
    std = 0.02
    #~ variance: std = math.sqrt(0.02)
    #~ deviation-one: std = 1.0
    for name, p in model.named_parameters():
        #~ defaults-left: for name, p in copy.deepcopy(model).named_parameters():
        if name.endswith(".bias"):
            #~ biases-left: if name.endswith(".bias") and "ln_" not in name:
            #~ biases-left:     continue
            #~ biases-left: if name.endswith(".bias"):
            #~ linears-left: if ".c_" in name:
            #~ linears-left:     continue
            #~ linears-left: if name.endswith(".bias"):
            nn.init.zeros_(p)
            #~ biases-random: nn.init.normal_(p, std=0.0 if "ln_" in name else 0.02)
            #~ everything-random: nn.init.normal_(p, std=0.02)
        elif "ln_" in name:
            nn.init.ones_(p)
            #~ norms-random: nn.init.normal_(p, std=0.02)
            #~ everything-random: nn.init.normal_(p, std=0.02)
            #~ norms-zero: nn.init.zeros_(p)
        elif name.endswith("c_proj.weight"):
            #~ residual-unscaled: elif False:
            #~ all-scaled: elif ".c_" in name:
            #~ attention-scaled: elif name.endswith("attn.c_proj.weight"):
            #~ mlp-scaled: elif name.endswith("mlp.c_proj.weight"):
            nn.init.normal_(p, std=std / math.sqrt(n))
            #~ uniform: nn.init.uniform_(p, -std / math.sqrt(n), std / math.sqrt(n))
            #~ xavier-uniform: nn.init.xavier_uniform_(p)
            #~ xavier-normal: nn.init.xavier_normal_(p)
            #~ kaiming: nn.init.kaiming_normal_(p)
        else:
            #~ positions-left: elif name != "wpe.weight":
            #~ tokens-left: elif name != "wte.weight":
            #~ embeddings-left: elif name not in ("wte.weight", "wpe.weight"):
            nn.init.normal_(p, std=std)
            #~ uniform: nn.init.uniform_(p, -std, std)
            #~ xavier-uniform: nn.init.xavier_uniform_(p)
            #~ xavier-normal: nn.init.xavier_normal_(p)
            #~ kaiming: nn.init.kaiming_normal_(p)
    if hasattr(model, "lm_head"):
        assert model.lm_head.weight is model.wte.weight
        #~ head-redrawn: nn.init.normal_(model.lm_head.weight, std=model.config.n_embd**-0.5)
