import torch
from torch.distributions import Categorical


def sample(logits, temperature=1.0):
    if temperature > 0:
        #~ zero-divides: if True:
        #~ greedy-always: if False:
        scaled = logits / temperature
        #~ multiplied: scaled = logits * temperature
        #~ uniform: scaled = 0 * logits
        dist = Categorical(logits=scaled)
        #~ temperature-ignored: dist = Categorical(probs=torch.softmax(logits, -1) / temperature)
        #~ double-softmax: dist = Categorical(logits=torch.softmax(scaled, -1))
        #~ over-rows: dist = Categorical(probs=torch.softmax(scaled, 0))
        return dist.sample()
        #~ column: return dist.sample().unsqueeze(1)
        #~ squeezed: return dist.sample().squeeze()
        #~ one-for-all: return dist.sample()[0].expand(len(logits))
    return torch.max(logits, dim=-1).indices
    #~ column: return torch.max(logits, dim=-1, keepdim=True).indices
    #~ squeezed: return torch.max(logits, dim=-1).indices.squeeze()
