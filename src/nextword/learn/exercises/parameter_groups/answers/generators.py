def parameter_groups(model, weight_decay):
    seen = {id(p): p for p in model.state_dict(keep_vars=True).values() if p.requires_grad}
    return [
        {"params": filter(lambda p: p.dim() > 1, seen.values()), "weight_decay": weight_decay},
        {"params": filter(lambda p: p.dim() <= 1, seen.values()), "weight_decay": 0.0},
    ]
