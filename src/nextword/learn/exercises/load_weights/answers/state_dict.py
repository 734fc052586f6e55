def load_weights(model, tensors):
    model.load_state_dict(tensors)
    #~ not-strict: model.load_state_dict(tensors, strict=False)
    #~ only-weights: model.load_state_dict({k: v if "weight" in k else model.state_dict()[k] for k, v in tensors.items()})
