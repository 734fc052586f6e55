def parameter_groups(model, weight_decay):
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    matrices = {name for name, p in trained.items() if p.ndim == 2}
    vectors = trained.keys() - matrices
    return [
        {"params": [(name, trained[name]) for name in sorted(matrices)], "weight_decay": weight_decay},
        {"params": [(name, trained[name]) for name in sorted(vectors)], "weight_decay": 0.0},
    ]
