"""Loss and perplexity over many batches, written out; `loss.py` does it for whole texts, faster."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from nextword.model.plain import cross_entropy


def perplexity(losses: Sequence[float], counts: Sequence[int]) -> float:
    """Compute the perplexity: among how many equally likely tokens the model seems to choose.

    losses: the mean loss of each piece of a text, in nats. counts: how many
    tokens each piece has. -> exp of the mean loss over all tokens. 1 is
    certainty; a model that knows nothing has n_vocab.

    Source: Jelinek et al., "Perplexity" (1977).
    """
    total = sum(loss * count for loss, count in zip(losses, counts, strict=True))
    return math.exp(total / sum(counts))


def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Measure the model's loss on text it does not learn from: the mean over all tokens, in nats.

    batches: pairs of ids (B, T) and targets (B, T), of any sizes -> a number in
    which every token weighs the same. Dropout is off and no gradients are
    kept meanwhile. Afterwards the model is in the mode that it was in before.
    """
    was_training = model.training
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for ids, targets in batches:
            loss = cross_entropy(model(ids), targets)
            total += loss.item() * targets.numel()
            count += targets.numel()
    model.train(was_training)
    return total / count
