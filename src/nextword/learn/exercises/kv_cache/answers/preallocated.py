import torch
from torch.nn import functional as F


class KVCache:
    def __init__(self, config, batch_size=1):
        D = config.n_embd // config.n_head
        shape = (config.n_layer, 2, batch_size, config.n_head, config.n_ctx, D)
        self.kv = torch.zeros(shape)
        self.length = 0

    def place(self, T):
        return self.length + torch.arange(T)
        #~ positions-from-zero: return torch.arange(T)
        #~ positions-one-ahead: return self.length + (self.length > 0) + torch.arange(T)

    def extend(self, layer, k, v):
        a, b = self.length, self.length + k.size(-2)
        self.kv[layer, 0, :, :, a:b] = k
        self.kv[layer, 1, :, :, a:b] = v
        return self.kv[layer, 0, :, :, :b], self.kv[layer, 1, :, :, :b]
        #~ old-forgotten: return self.kv[layer, 0, :, :, a:b], self.kv[layer, 1, :, :, a:b]
        #~ keys-as-values: return self.kv[layer, 0, :, :, :b], self.kv[layer, 0, :, :, :b]
        #~ swapped: return self.kv[layer, 1, :, :, :b], self.kv[layer, 0, :, :, :b]

    def advance(self, T):
        self.length += T
        #~ never-advanced: pass


@torch.no_grad()
def continue_text(model, ids, cache):
    T = ids.size(1)
    x = model.wte(ids) + model.wpe(cache.place(T))
    for layer, block in enumerate(model.h):
        q, k, v = block.attn.c_attn(block.ln_1(x)).unflatten(-1, (3, model.config.n_head, -1)).permute(2, 0, 3, 1, 4)
        k, v = cache.extend(layer, k, v)
        visible = torch.ones(T, k.size(-2), dtype=torch.bool).tril(k.size(-2) - T)
        #~ mask-missing: visible = None
        #~ mask-square: visible = torch.ones(T, T, dtype=torch.bool).tril()
        y = F.scaled_dot_product_attention(q, k, v, visible)
        #~ mask-top-left: y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + block.attn.c_proj(y.transpose(1, 2).flatten(2))
        x = x + block.mlp(block.ln_2(x))
    cache.advance(T)
    return model.head(model.ln_f(x))
    #~ last-only: return model.head(model.ln_f(x)[:, -1, None])
