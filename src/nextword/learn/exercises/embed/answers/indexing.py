import torch


def embed(ids, wte, wpe):
    B, T = ids.shape
    #~ text-cut: ids = ids[:, : len(wpe)]
    #~ text-cut: B, T = ids.shape
    positions = torch.arange(T)
    #~ positions-from-one: positions = torch.arange(1, T + 1)
    #~ positions-reversed: positions = torch.arange(T - 1, -1, -1)
    #~ positions-by-id: positions = ids
    #~ positions-of-the-batch: positions = torch.arange(B)
    #~ positions-clamped: positions = torch.tensor([min(t, len(wpe) - 1) for t in range(T)])
    #~ positions-by-text: positions = torch.arange(B).unsqueeze(1)
    #~ positions-continued: positions = torch.arange(B * T).reshape(B, T)
    #~ positions-all-first: positions = torch.zeros(T, dtype=torch.long)
    #~ positions-wrapped: positions = torch.arange(T) % len(wpe)
    #~ whole-table: positions = torch.arange(len(wpe))
    x = wte[ids] + wpe[positions]
    #~ positions-missing: x = wte[ids]
    #~ tokens-missing: x = wpe[positions].repeat(B, 1, 1)
    #~ multiplied: x = wte[ids] * wpe[positions]
    #~ concatenated: x = torch.cat((wte[ids], wpe[positions].expand(B, T, -1)), dim=-1)
    #~ scaled: x = wte[ids] * wte.shape[1] ** 0.5 + wpe[positions]
    return x
