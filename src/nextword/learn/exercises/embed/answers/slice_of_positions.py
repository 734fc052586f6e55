def embed(ids, wte, wpe):
    """The same with the first T positions as a slice."""
    return wte[ids] + wpe[: ids.shape[-1]]
    #~ positions-from-one: return wte[ids] + wpe[1 : ids.shape[-1] + 1]
    #~ whole-table: return wte[ids] + wpe[None]
