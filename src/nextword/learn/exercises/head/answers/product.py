def head(x, wte):
    logits = x @ wte.T
    #~ copied: logits = x @ wte.detach().T
    #~ softmax: logits = (x @ wte.T).softmax(dim=-1)
    #~ log-softmax: logits = (x @ wte.T).log_softmax(dim=-1)
    #~ scaled: logits = x @ wte.T / x.shape[-1] ** 0.5
    #~ cosine: logits = x @ (wte / wte.norm(dim=1, keepdim=True)).T
    #~ last-only: logits = x[:, [-1], :] @ wte.T
    #~ ids: logits = (x @ wte.T).argmax(dim=-1)
    return logits
