import torch


def windows(ids, window, stride):
    n = (len(ids) - window - 1) // stride + 1
    #~ stride-ignored: n = len(ids) - window
    #~ stride-is-window: n = (len(ids) - window - 1) // window + 1
    #~ stride-plus-one: n = (len(ids) - window - 1) // (stride + 1) + 1
    #~ last-window-lost: n = (len(ids) - window - 2) // stride + 1
    #~ targets-by-stride: n = (len(ids) - window - stride) // stride + 1
    #~ one-window-too-many: n = (len(ids) - window) // stride + 1
    starts = torch.arange(n) * stride
    #~ stride-ignored: starts = torch.arange(n)
    #~ stride-is-window: starts = torch.arange(n) * window
    #~ stride-plus-one: starts = torch.arange(n) * (stride + 1)
    #~ aligned-to-the-end: starts = (torch.arange(n) * stride).tolist()
    #~ aligned-to-the-end: starts = torch.tensor(sorted({*starts, len(ids) - window - 1}))
    places = starts[:, None] + torch.arange(window)
    #~ window-minus-one: places = starts[:, None] + torch.arange(window - 1)
    ids = ids.to(torch.int64)
    #~ float-ids: ids = torch.Tensor(ids.tolist())
    #~ type-kept: ids = ids.clone()
    #~ int16: ids = ids.short().to(torch.int64)
    #~ uint8: ids = ids.byte().to(torch.int64)
    targets = ids[places + 1]
    #~ targets-unshifted: targets = ids[places]
    #~ targets-shifted-twice: targets = ids[places + 2]
    #~ targets-by-stride: targets = ids[places + stride]
    #~ targets-rolled: targets = torch.roll(ids[places], -1, dims=1)
    #~ last-target-zero: targets = torch.nn.functional.pad(ids[places][:, 1:], (0, 1))
    #~ one-target-a-window: targets = ids[places[:, -1:] + 1]
    return ids[places], targets
    #~ x-and-y-exchanged: return targets, ids[places]
