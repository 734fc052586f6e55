def parameter_groups(model, weight_decay):
    params = [p for p in model.parameters() if p.requires_grad]
    #~ frozen-included: params = list(model.parameters())
    #~ tied-twice: params = [p for n, p in model.named_parameters(remove_duplicate=False) if p.requires_grad]
    #~ positions-forgotten: params = [p for n, p in model.named_parameters() if p.requires_grad and "wpe" not in n]
    #~ embeddings-forgotten: params = [p for n, p in model.named_parameters() if p.requires_grad and "wte" not in n and "wpe" not in n]
    decay = [p for p in params if p.dim() >= 2]
    #~ everything-decays: decay = params
    #~ groups-swapped: decay = [p for p in params if p.dim() < 2]
    #~ layer-norm-decays: decay = [p for n, p in model.named_parameters() if p.requires_grad and not n.endswith("bias")]
    #~ biases-decay: decay = [p for n, p in model.named_parameters() if p.requires_grad and "ln_" not in n]
    #~ embeddings-spared: decay = [p for n, p in model.named_parameters() if p.requires_grad and p.dim() >= 2 and not n.startswith(("wte", "wpe"))]
    no_decay = [p for p in params if not any(p is q for q in decay)]
    return [
        {"params": decay, "weight_decay": weight_decay},
        #~ nothing-decays: {"params": decay, "weight_decay": 0.0},
        #~ decay-fixed: {"params": decay, "weight_decay": 0.1},
        {"params": no_decay, "weight_decay": 0.0},
        #~ default-decay: {"params": no_decay},
        #~ vectors-forgotten:
    ]
