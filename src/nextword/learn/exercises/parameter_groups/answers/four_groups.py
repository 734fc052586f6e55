def parameter_groups(model, weight_decay):
    """A group for every kind and parameter name, as some do to set learning rates apart."""
    groups = ()
    for name, p in model.named_parameters():
        if p.requires_grad:
            vector = "bias" in name or ".ln_" in "." + name
            groups += ({"params": p, "weight_decay": 0.0 if vector else weight_decay, "name": name},)
    return groups
