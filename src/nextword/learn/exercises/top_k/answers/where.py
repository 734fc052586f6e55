import torch


def sample_top_k(logits, k, temperature=1.0):
    if not k >= 1:
        raise ValueError("top-k needs a positive k")
    out = []
    for row in logits / temperature:
        v, i = row.topk(min(k, row.numel()))
        #~ one-threshold: v, i = row.topk(min(k, row.numel()))
        #~ one-threshold: i = torch.nonzero(row >= (logits[0] / temperature).topk(min(k, row.numel())).values[-1]).flatten()
        #~ one-threshold: v = row[i]
        #~ ties-kept: v, i = row.topk(min(k, row.numel()))
        #~ ties-kept: i = torch.nonzero(row >= v[-1]).flatten()
        #~ ties-kept: v = row[i]
        #~ kth-lost: v, i = row.topk(min(k, row.numel()))
        #~ kth-lost: i = torch.nonzero(row > v[-1]).flatten()
        #~ kth-lost: v = row[i]
        out.append(i[torch.multinomial(torch.softmax(v, -1), 1)])
    return torch.cat(out)
