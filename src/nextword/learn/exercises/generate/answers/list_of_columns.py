import torch


def generate(model, ids, max_new_tokens, choose, n_ctx, end_id=None):
    mode = model.training
    model.train(False)
    #~ dropout-on:
    columns = list(ids.unbind(1))
    B, T = ids.shape
    alive = torch.ones(B, dtype=torch.bool)
    #~ end-in-prompt: alive = ~torch.stack(columns, 1).eq(-1 if end_id is None else end_id).any(1)
    with torch.inference_mode():
        #~ gradients: if True:
        while len(columns) < T + max_new_tokens:
            #~ one-too-few: while len(columns) < T + max_new_tokens - 1:
            #~ text-cut: for _ in range(max_new_tokens):
            #~ total-length: while len(columns) < max_new_tokens:
            text = torch.stack(columns[-n_ctx:], dim=1)
            #~ wrong-end: text = torch.stack(columns[:n_ctx], dim=1)
            #~ not-cut: text = torch.stack(columns, dim=1)
            #~ one-token-seen: text = columns[-1].unsqueeze(1)
            #~ text-cut: columns = columns[-n_ctx:]
            #~ text-cut: text = torch.stack(columns, dim=1)
            y = model(text)
            new = choose(y[:, text.size(1) - 1])
            #~ whole-logits: new = choose(y)
            #~ choose-ignored: new = torch.topk(y[:, -1], 1).indices[:, 0]
            #~ first-position: new = choose(y[:, 0])
            #~ last-but-one: new = choose(y[:, max(0, text.size(1) - 2)])
            if end_id is not None:
                #~ end-ignored: if end_id == -100:
                #~ end-zero-ignored: if end_id:
                new[~alive] = end_id
                #~ ended-rows-go-on:
                alive &= new != end_id
            columns.append(new)
            #~ returned-in-loop: model.train(mode)
            #~ returned-in-loop: return torch.stack([*columns, new], dim=1).clone()
            if not alive.any():
                #~ rows-end-together: if not alive.all():
                #~ never-early: if False:
                break
    model.train(mode)
    #~ mode-not-restored:
    #~ always-train-afterwards: model.train(True)
    return torch.stack(columns, dim=1).clone()
    #~ returned-in-loop:
    #~ prompt-missing: return torch.stack(columns, dim=1)[:, T:].clone()
