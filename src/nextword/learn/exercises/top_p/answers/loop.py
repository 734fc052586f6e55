import torch


def sample_top_p(logits, p, temperature=1.0):
    chosen = []
    rows = torch.softmax(logits.double() / temperature, -1)
    if bool((logits == logits[0]).all()):
        order = rows[0].argsort(descending=True)
        keep = 1
        while keep < len(order) and rows[0][order[:keep]].sum() < p:
            keep += 1
        return order[torch.multinomial(rows[0][order[:keep]], len(rows), replacement=True)]
    for row in rows:
        order = row.argsort(descending=True)
        keep = 1
        while keep < len(order) and row[order[:keep]].sum() < p:
            keep += 1
        chosen.append(order[torch.multinomial(row[order[:keep]], 1)])
    return torch.cat(chosen)
