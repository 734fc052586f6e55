import torch


def sample_top_p(logits, p, temperature=1.0):
    probs = torch.softmax(logits / temperature, dim=-1)
    #~ temperature-ignored: probs = torch.softmax(logits, dim=-1)
    sorted_probs, sorted_ids = probs.sort(dim=-1, descending=True)
    #~ ascending: sorted_probs, sorted_ids = probs.sort(dim=-1)
    #~ unsorted: sorted_probs, sorted_ids = probs, torch.arange(probs.shape[-1]).repeat(len(probs), 1)
    #~ temperature-after-cut: sorted_probs, sorted_ids = logits.softmax(dim=-1).sort(dim=-1, descending=True)
    over = sorted_probs.cumsum(dim=-1) > p
    #~ share-of-vocabulary: over = torch.ones_like(sorted_probs).cumsum(-1) / probs.shape[-1] > p
    #~ share-of-vocabulary: over = over.roll(-1, dims=-1)
    #~ p-ignored: over = torch.zeros_like(sorted_probs, dtype=torch.bool)
    over[:, 1:] = over[:, :-1].clone()
    #~ one-too-many: over[:, 2:] = over[:, :-2].clone()
    #~ one-too-many: over[:, 1] = False
    #~ each-by-itself: over = sorted_probs < p
    #~ crossing-lost:
    #~ crossing-lost-one-kept:
    over[:, 0] = False
    #~ each-by-itself:
    #~ crossing-lost:
    #~ one-mask-for-all: over[:, 0] = False
    #~ one-mask-for-all: over = over[:1].repeat(len(over), 1)
    mask = torch.zeros_like(over).scatter(1, sorted_ids, over)
    #~ mask-not-mapped-back: mask = over
    bent = torch.log(probs).masked_fill(mask, float("-inf"))
    #~ zero-for-hidden: bent = (logits / temperature).masked_fill(mask, 0.0)
    chosen = torch.distributions.Categorical(logits=bent).sample()
    #~ temperature-twice: chosen = torch.distributions.Categorical(logits=bent / temperature).sample()
    return chosen
    #~ column: return chosen.unsqueeze(-1)
    #~ places-not-ids: return sorted_ids.argsort(-1).gather(-1, chosen[:, None])[:, 0]
