import torch

from parts import attention_scores, causal_weights, merge_heads, split_heads


class KVCache:
    def __init__(self, config, batch_size=1):
        #~ texts-shared: def __init__(self, config, batch_size=1, store=[]):
        store = []
        #~ texts-shared:
        self.length, self.store = 0, store
        while len(self.store) < config.n_layer:
            self.store.append([torch.empty(0), torch.empty(0)])

    def place(self, T):
        return torch.arange(T) + self.length

    def extend(self, layer, k, v):
        for i, new in enumerate((k, v)):
            #~ layers-shared: layer = 0
            #~ layers-shared: for i, new in enumerate((k, v)):
            old = self.store[layer][i]
            #~ never-advanced: old = torch.empty(0)
            both = (old, new)
            #~ prepended: both = (new, old)
            self.store[layer][i] = torch.cat(both, dim=-2) if old.numel() else new
        return tuple(self.store[layer])
        #~ advanced-in-each-layer: self.length += k.size(-2)
        #~ advanced-in-each-layer: return tuple(self.store[layer])

    def advance(self, T):
        self.length += T
        #~ never-advanced: pass
        #~ advanced-in-each-layer: pass


@torch.no_grad()
def continue_text(model, ids, cache):
    x = model.wte(ids) + model.wpe(cache.place(ids.size(1)))
    for layer, block in enumerate(model.h):
        q, k, v = (split_heads(part, model.config.n_head) for part in block.attn.c_attn(block.ln_1(x)).chunk(3, -1))
        k, v = cache.extend(layer, k, v)
        y = causal_weights(attention_scores(q, k)) @ v
        x = x + block.attn.c_proj(merge_heads(y))
        x = x + block.mlp(block.ln_2(x))
    cache.advance(ids.size(1))
    return model.head(model.ln_f(x))
