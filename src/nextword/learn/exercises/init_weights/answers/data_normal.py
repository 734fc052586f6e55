import torch


def init_weights(model):
    """The numbers themselves, in place; positions as OpenAI's own code has them."""
    for name, p in model.named_parameters():
        matrix = p.dim() == 2
        #~ linears-left: if ".c_" in name:
        #~ linears-left:     continue
        #~ linears-left: matrix = p.dim() == 2
        #~ everything-random: matrix = True
        #~ norms-random: matrix = name.endswith("weight")
        if not matrix:
            p.data.fill_(float(name.startswith("ln_f.weight") or ".ln_" in name and name.endswith("weight")))
            #~ norms-zero: p.data.zero_()
            continue
        std = 0.02
        if name == "wpe.weight":
            #~ positions-left: if name == "wpe.weight":
            #~ positions-left:     continue
            #~ tokens-left: if name == "wte.weight":
            #~ tokens-left:     continue
            #~ embeddings-left: if name in ("wte.weight", "wpe.weight"):
            #~ embeddings-left:     continue
            std = 0.01
            #~ positions-left:
            #~ tokens-left:
            #~ embeddings-left:
        if name.endswith("c_proj.weight"):
            std /= (2 * model.config.n_layer) ** 0.5
        p.data.normal_(0.0, std)
        #~ xavier-uniform: torch.nn.init.xavier_uniform_(p)
        #~ xavier-normal: p.data.normal_(0.0, (2 / sum(p.shape)) ** 0.5)
        #~ kaiming: p.data.normal_(0.0, (2 / p.shape[1]) ** 0.5)
    head = getattr(model, "lm_head", None)
    #~ head-redrawn: model.lm_head.weight.data.normal_(0.0, model.config.n_embd**-0.5)
