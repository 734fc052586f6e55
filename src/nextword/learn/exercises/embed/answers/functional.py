import math

import torch
import torch.nn.functional as F


def embed(ids, wte, wpe):
    tok_emb = F.embedding(ids, wte)
    #~ text-cut: ids = ids[:, : wpe.size(0)]
    #~ text-cut: tok_emb = F.embedding(ids, wte)
    #~ scaled: tok_emb = F.embedding(ids, wte) * math.sqrt(wte.size(-1))
    #~ tokens-missing: tok_emb = torch.zeros(*ids.shape, wte.size(-1))
    pos = torch.arange(0, ids.size(1), device=ids.device)
    #~ positions-from-one: pos = torch.arange(0, ids.size(1), device=ids.device) + 1
    #~ positions-reversed: pos = torch.arange(0, ids.size(1), device=ids.device).flip(0)
    #~ positions-of-the-batch: pos = torch.arange(len(ids))
    #~ positions-clamped: pos = torch.arange(ids.size(1)).clamp(max=len(wpe) - 1)
    #~ positions-by-text: pos = torch.arange(0, ids.size(0), device=ids.device)[:, None]
    #~ positions-continued: pos = torch.arange(0, ids.numel(), device=ids.device).view_as(ids)
    #~ positions-wrapped: pos = torch.arange(0, ids.size(1), device=ids.device).remainder(wpe.size(0))
    pos_emb = F.embedding(pos, wpe)
    #~ positions-missing: pos_emb = 0
    #~ positions-by-id: pos_emb = F.embedding(ids, wpe)
    #~ positions-all-first: pos_emb = wpe[0]
    #~ whole-table: pos_emb = wpe
    return tok_emb + pos_emb
    #~ multiplied: return tok_emb.mul(pos_emb)
    #~ concatenated: return torch.cat([tok_emb, pos_emb.unsqueeze(0).repeat(ids.size(0), 1, 1)], dim=2)
