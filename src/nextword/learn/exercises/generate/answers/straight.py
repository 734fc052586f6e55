import torch


@torch.no_grad()
#~ gradients:
def generate(model, ids, max_new_tokens, choose, n_ctx, end_id=None):
    was_training = model.training
    prompt_length = ids.shape[1]
    model.eval()
    #~ dropout-on:
    ended = torch.zeros(len(ids), dtype=torch.bool)
    #~ end-in-prompt: ended = (ids == (-1 if end_id is None else end_id)).any(dim=-1)
    for _ in range(max_new_tokens):
        #~ total-length: for _ in range(prompt_length, max_new_tokens):
        #~ one-too-few: for _ in range(1, max_new_tokens):
        context = ids[:, -n_ctx:]
        #~ wrong-end: context = ids[:, :n_ctx]
        #~ not-cut: context = ids
        #~ text-cut: context = ids = ids[:, -n_ctx:]
        #~ one-token-seen: context = ids[:, -1:]
        logits = model(context)
        last = logits[:, -1, :]
        #~ whole-logits: last = logits
        #~ first-position: last = logits[:, 0, :]
        #~ last-but-one: last = logits[:, -2 if logits.shape[1] > 1 else -1, :]
        chosen = choose(last)
        #~ choose-ignored: chosen = last.argmax(-1)
        if end_id is not None:
            #~ end-ignored: if False:
            #~ end-zero-ignored: if end_id:
            chosen = torch.where(ended, end_id, chosen)
            #~ ended-rows-go-on:
            ended = ended | (chosen == end_id)
        ids = torch.cat([ids, chosen[:, None]], dim=1)
        #~ returned-in-loop: ids = torch.cat([ids, chosen[:, None]], dim=1)
        #~ returned-in-loop: model.train(was_training)
        #~ returned-in-loop: return ids
        if ended.all():
            #~ rows-end-together: if ended.any():
            #~ never-early: if False:
            break
    model.train(was_training)
    #~ mode-not-restored:
    #~ always-train-afterwards: model.train()
    return ids
    #~ returned-in-loop:
    #~ prompt-missing: return ids[:, prompt_length:]
