import torch
from torch.utils.data import DataLoader, TensorDataset


def batches(x, y, batch_size, seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    #~ seed-ignored:
    #~ global-seed: torch.manual_seed(seed)
    #~ global-seed: generator = None
    return DataLoader(TensorDataset(x, y), batch_size, shuffle=True, generator=generator)
    #~ not-repeatable: return DataLoader(TensorDataset(x, y), batch_size, shuffle=True)
    #~ not-shuffled: return DataLoader(TensorDataset(x, y), batch_size, shuffle=False, generator=generator)
    #~ last-batch-lost: return DataLoader(TensorDataset(x, y), batch_size, shuffle=True, drop_last=True, generator=generator)
