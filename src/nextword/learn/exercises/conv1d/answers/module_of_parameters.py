import torch


def from_huggingface(sd):
    transposed = ['attn.c_attn.weight', 'attn.c_proj.weight', 'mlp.c_fc.weight', 'mlp.c_proj.weight']
    sd = dict(sd)
    sd.pop('lm_head.weight', None)
    out = {}
    for k in list(sd.keys()):
        short = k.split('transformer.')[-1]
        if short.endswith('.attn.masked_bias') or short.endswith('.attn.bias'):
            continue
        with torch.no_grad():
            out[short] = sd[k].T.clone() if any(short.endswith(w) for w in transposed) else sd[k].clone()
    return out
