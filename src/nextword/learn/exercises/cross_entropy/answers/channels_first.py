import torch.nn as nn

criterion = nn.CrossEntropyLoss()


def cross_entropy(logits, targets):
    return criterion(logits.permute(0, 2, 1), targets)
    #~ classes-last: return criterion(logits, targets)
