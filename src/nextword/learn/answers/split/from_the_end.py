def split(ids, val_fraction=0.1):
    if val_fraction == 0:
        #~ zero-from-the-end: if val_fraction < 0:
        return ids, ids[len(ids):]
        #~ parts-exchanged: return ids[len(ids):], ids
        #~ validation-first: return ids, ids[:0]
    n_val = int(val_fraction * len(ids))
    return ids[:-n_val], ids[-n_val:]
    #~ parts-exchanged: return ids[-n_val:], ids[:-n_val]
    #~ validation-first: return ids[n_val:], ids[:n_val]
    #~ every-so-many: every = len(ids) // n_val
    #~ every-so-many: return [id for i, id in enumerate(ids) if i % every], ids[::every]
