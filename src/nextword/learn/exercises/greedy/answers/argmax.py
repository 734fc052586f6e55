def greedy(logits):
    last = logits[:, -1, :]
    #~ first-position: last = logits[:, 0, :]
    #~ last-but-one: last = logits[:, -2 if logits.shape[1] > 1 else -1, :]
    #~ likeliest-position: return logits.argmax(dim=1)[:, -1]
    #~ every-position: last = logits
    #~ last-text: last = logits[-1]
    return last.argmax(dim=-1)
    #~ least-likely: return last.argmin(dim=-1)
    #~ flattened: return last.argmax()
    #~ column: return last.argmax(dim=-1, keepdim=True)
    #~ logit-returned: return last.max(dim=-1).values
