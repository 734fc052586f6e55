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


def frequency_loss(ids: Tensor) -> float:
    """Compute the loss of a model that knows the tokens' frequencies only, in nats a token.

    ids (N,): a text -> the entropy of its tokens' frequencies. Tokens that do
    not occur count for nothing. Below it, a model has learnt from what
    stands before a token.

    Source: Shannon, "A Mathematical Theory of Communication" (1948), section 6.
    """
    counts = torch.bincount(ids)
    p = counts[counts > 0].double() / len(ids)
    return -(p * p.log()).sum().item()


def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    """Convert a loss in nats a token into bits a byte, which no tokenizer changes.

    n_tokens, n_bytes: the same text's length in tokens, and in bytes of UTF-8.
    """
    return loss / math.log(2.0) * n_tokens / n_bytes
