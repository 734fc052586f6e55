import math

import torch


class KVCache:
    def __init__(self, config, batch_size=1):
        #~ texts-shared: keys, values = {}, {}
        #~ texts-shared:
        #~ texts-shared: def __init__(self, config, batch_size=1):
        self.length = 0
        self.keys = {}
        #~ texts-shared: self.keys = type(self).keys
        self.values = {}
        #~ texts-shared: self.values = type(self).values

    def place(self, T):
        start = self.length
        #~ positions-from-zero: start = 0
        #~ positions-one-ahead: start = self.length + 1 if self.keys else 0
        return torch.arange(start, start + T)

    def extend(self, layer, k, v):
        if layer in self.keys:
            #~ layers-shared: layer = 0
            #~ layers-shared: if layer in self.keys:
            #~ old-forgotten: if False:
            #~ never-advanced: if False:
            k = torch.cat([self.keys[layer], k], dim=2)
            #~ prepended: k = torch.cat([k, self.keys[layer]], dim=2)
            v = torch.cat([self.values[layer], v], dim=2)
            #~ prepended: v = torch.cat([v, self.values[layer]], dim=2)
        self.keys[layer], self.values[layer] = k, v
        #~ advanced-in-each-layer: self.length += k.shape[2] - (self.keys[layer].shape[2] if layer in self.keys else 0)
        #~ advanced-in-each-layer: self.keys[layer], self.values[layer] = k, v
        return k, v
        #~ keys-as-values: return k, k
        #~ swapped: return v, k

    def advance(self, T):
        self.length += T
        #~ never-advanced: pass
        #~ advanced-in-each-layer: pass


@torch.no_grad()
def continue_text(model, ids, cache):
    B, T = ids.shape
    H = model.config.n_head
    x = model.wte(ids) + model.wpe(cache.place(T))
    for i, block in enumerate(model.h):
        q, k, v = block.attn.c_attn(block.ln_1(x)).chunk(3, dim=-1)
        q, k, v = (t.view(B, T, H, -1).transpose(1, 2) for t in (q, k, v))
        k, v = cache.extend(i, k, v)
        S = k.shape[2]
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        hidden = torch.triu(torch.ones(T, S), diagonal=S - T + 1).bool()
        #~ mask-top-left: hidden = torch.triu(torch.ones(T, S), diagonal=1).bool()
        #~ mask-square: hidden = torch.triu(torch.ones(T, T), diagonal=1).bool()
        #~ mask-missing: hidden = torch.zeros(T, S).bool()
        y = scores.masked_fill(hidden, -1e9).softmax(-1) @ v
        x = x + block.attn.c_proj(y.transpose(1, 2).reshape(B, T, -1))
        x = x + block.mlp(block.ln_2(x))
    cache.advance(T)
    return model.head(model.ln_f(x))
    #~ last-only: return model.head(model.ln_f(x[:, -1:]))
