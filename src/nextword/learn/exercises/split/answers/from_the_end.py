def split(ids, val_fraction=0.1):
    if val_fraction < 0 or val_fraction >= 1:
        #~ fraction-unchecked: if False:
        #~ one-accepted: if val_fraction < 0 or val_fraction > 1:
        #~ zero-refused: if val_fraction <= 0 or val_fraction >= 1:
        raise ValueError("val_fraction must be at least 0 and below 1")
    if val_fraction == 0:
        #~ minimum-always: if False:
        #~ zero-from-the-end: if val_fraction < 0:
        return ids, ids[len(ids):]
        #~ parts-exchanged: return ids[len(ids):], ids
        #~ validation-first: return ids, ids[:0]
    n_val = int(val_fraction * len(ids))
    if n_val < 2:
        #~ minimum-missing: if False:
        #~ zero-from-the-end: if 0 < val_fraction and n_val < 2:
        n_val = 2
    return ids[:-n_val], ids[-n_val:]
    #~ parts-exchanged: return ids[-n_val:], ids[:-n_val]
    #~ validation-first: return ids[n_val:], ids[:n_val]
    #~ every-so-many: every = round(1 / val_fraction)
    #~ every-so-many: return [id for i, id in enumerate(ids) if i % every], ids[::every]
