import torch
import torch.nn.functional as F


def sample_top_k(logits, k, temperature=1.0):
    if k < 1:
        raise ValueError("k must be at least 1")
        #~ k-zero: k = logits.shape[-1]
    values, ids = torch.topk(logits, min(k, logits.shape[-1]), dim=-1)
    #~ k-above-v: values, ids = torch.topk(logits, k, dim=-1)
    #~ lowest: values, ids = torch.topk(logits, min(k, logits.shape[-1]), dim=-1, largest=False)
    #~ k-ignored: values, ids = torch.sort(logits, dim=-1, descending=True)
    #~ one-too-few: values, ids = torch.topk(logits, min(k, logits.shape[-1]), dim=-1)
    #~ one-too-few: values, ids = values[:, :-1], ids[:, :-1]
    probs = F.softmax(values / temperature, dim=-1)
    #~ temperature-ignored: probs = F.softmax(values, dim=-1)
    #~ temperature-twice: probs = F.softmax(values / temperature / temperature, dim=-1)
    #~ equally-often: probs = torch.ones_like(values)
    chosen = torch.multinomial(probs, 1)
    #~ always-first: chosen = torch.argmax(probs, dim=-1, keepdim=True)
    return ids.gather(-1, chosen)[:, 0]
    #~ column: return ids.gather(-1, chosen)
    #~ places-not-ids: return chosen[:, 0]
