import torch
import torch.nn.functional as F


def sample_top_p(logits, p, temperature=1.0):
    logits = logits / temperature
    #~ temperature-ignored:
    values, ids = torch.sort(logits, dim=-1, descending=True)
    #~ ascending: values, ids = torch.sort(logits, dim=-1)
    #~ unsorted: values, ids = logits, torch.arange(logits.shape[-1]).expand(logits.shape)
    probs = F.softmax(values, dim=-1)
    #~ temperature-after-cut: probs = F.softmax(values * temperature, dim=-1)
    cumulative = torch.cumsum(probs, dim=-1)
    remove = cumulative - probs >= p
    #~ crossing-lost: remove = cumulative > p
    #~ each-by-itself: remove = probs < p
    #~ one-too-many: remove = torch.arange(probs.shape[-1]) > (cumulative < p).sum(-1, keepdim=True) + 1
    #~ share-of-vocabulary: remove = torch.arange(probs.shape[-1]).expand(probs.shape) >= max(1, int(p * probs.shape[-1]))
    #~ crossing-lost-one-kept: remove = cumulative > p
    #~ crossing-lost-one-kept: remove[:, 0] = False
    #~ one-mask-for-all: remove = (cumulative - probs >= p)[0]
    values = values.masked_fill(remove, float("-inf"))
    #~ p-ignored:
    #~ zero-for-hidden: values = values.masked_fill(remove, 0)
    #~ mask-not-mapped-back: values = logits.masked_fill(remove, float("-inf"))
    chosen = torch.multinomial(F.softmax(values, dim=-1), 1)
    #~ temperature-twice: chosen = torch.multinomial(F.softmax(values / temperature, dim=-1), 1)
    return torch.gather(ids, -1, chosen).squeeze(-1)
    #~ column: return torch.gather(ids, -1, chosen)
    #~ places-not-ids: return chosen.squeeze(-1)
    #~ mask-not-mapped-back: return chosen.squeeze(-1)
