import torch


def greedy(logits):
    """Softmax changes nothing in the order, but people like to see probabilities."""
    B, T, V = logits.shape
    probabilities = torch.softmax(logits, dim=-1)[:, T - 1]
    #~ first-position: probabilities = torch.softmax(logits, dim=-1)[:, 0]
    #~ last-but-one: probabilities = torch.softmax(logits, dim=-1)[:, max(T - 2, 0)]
    #~ logit-returned: probabilities = logits[:, T - 1]
    #~ every-position: probabilities = torch.softmax(logits, dim=-1)
    #~ last-text: probabilities = torch.softmax(logits, dim=-1)[B - 1]
    values, ids = torch.topk(probabilities, k=1, dim=-1)
    #~ least-likely: values, ids = torch.topk(probabilities, k=1, dim=-1, largest=False)
    #~ flattened: values, ids = torch.topk(logits[:, T - 1].reshape(-1), k=1, dim=-1)
    #~ likeliest-position: values, ids = torch.topk(logits.transpose(1, 2), k=1, dim=-1)
    return ids.squeeze(-1)
    #~ column: return ids
    #~ logit-returned: return values.squeeze(-1)
    #~ flattened: return ids[0]
    #~ likeliest-position: return ids[:, -1, 0]
