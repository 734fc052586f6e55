import torch
import torch.nn.functional as F


def sample(logits, temperature=1.0):
    if temperature == 0:
        #~ zero-divides:
        #~ greedy-always: if True:
        return logits.argmax(dim=-1)
        #~ zero-divides:
        #~ column: return logits.argmax(dim=-1, keepdim=True)
        #~ squeezed: return logits.argmax(dim=-1, keepdim=True).squeeze()
    logits = logits / temperature
    #~ multiplied: logits = logits * temperature
    #~ temperature-ignored:
    probs = F.softmax(logits, dim=-1)
    #~ over-rows: probs = F.softmax(logits, dim=0)
    #~ uniform: probs = torch.ones_like(logits)
    #~ double-softmax: probs = F.softmax(F.softmax(logits, dim=-1), dim=-1)
    ids = torch.multinomial(probs, num_samples=1)
    #~ one-for-all: ids = torch.multinomial(probs[0], num_samples=1).repeat(logits.shape[0], 1)
    return ids[:, 0]
    #~ column: return ids
    #~ squeezed: return ids.squeeze()
