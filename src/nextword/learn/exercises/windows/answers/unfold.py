def windows(ids, window, stride):
    slices = ids.long().unfold(0, window + 1, stride)
    #~ window-minus-one: slices = ids.long().unfold(0, window + 1, stride)[:, :-1]
    #~ stride-plus-one: slices = ids.long().unfold(0, window + 1, stride + 1)
    #~ stride-ignored: slices = ids.long().unfold(0, window + 1, 1)
    #~ stride-is-window: slices = ids.long().unfold(0, window + 1, window)
    #~ int16: slices = ids.short().long().unfold(0, window + 1, stride)
    return slices[:, :-1], slices[:, 1:]
    #~ targets-unshifted: return slices[:, :-1], slices[:, :-1]
    #~ x-and-y-exchanged: return slices[:, 1:], slices[:, :-1]
