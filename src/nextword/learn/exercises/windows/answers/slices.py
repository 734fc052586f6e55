import torch


def windows(ids, window, stride):
    ids = torch.as_tensor(ids)
    #~ int16: ids = torch.as_tensor(ids).to(torch.int16)
    #~ uint8: ids = torch.as_tensor(ids).to(torch.uint8)
    xs, ys = [], []
    starts = range(0, len(ids) - window, stride)
    #~ stride-ignored: starts = range(len(ids) - window)
    #~ stride-is-window: starts = range(0, len(ids) - window, window)
    #~ stride-plus-one: starts = range(0, len(ids) - window, stride + 1)
    #~ last-window-lost: starts = range(0, len(ids) - window - 1, stride)
    #~ targets-by-stride: starts = range(0, len(ids) - window - stride + 1, stride)
    #~ one-window-too-many: starts = range(0, len(ids) - window + 1, stride)
    #~ aligned-to-the-end: starts = list(range(0, len(ids) - window, stride))
    #~ aligned-to-the-end: if starts[-1] + window + 1 < len(ids):
    #~ aligned-to-the-end:     starts.append(len(ids) - window - 1)
    for start in starts:
        chunk = ids[start : start + window + 1]
        #~ window-minus-one: chunk = ids[start : start + window]
        xs.append(chunk[:-1])
        #~ targets-unshifted: xs.append(chunk[:window])
        #~ one-window-too-many: xs.append(ids[start : start + window])
        ys.append(chunk[1:])
        #~ targets-unshifted: ys.append(chunk[:window])
        #~ targets-shifted-twice: ys.append(ids[start + 2 : start + window + 2])
        #~ targets-by-stride: ys.append(ids[start + stride : start + stride + window])
        #~ targets-rolled: ys.append(chunk[:-1].roll(-1))
        #~ last-target-zero: ys.append(torch.cat((chunk[1:-1], torch.zeros(1, dtype=ids.dtype))))
        #~ one-target-a-window: ys.append(chunk[-1:])
    x, y = torch.stack(xs).long(), torch.stack(ys).long()
    #~ float-ids: x, y = torch.stack(xs).float(), torch.stack(ys).float()
    #~ type-kept: x, y = torch.stack(xs), torch.stack(ys)
    return x, y
    #~ x-and-y-exchanged: return y, x
