"""The probabilities that `choose` draws by."""

import torch
from torch import Tensor

from nextword.decode import Sampling
from nextword.decode.choose import candidates


def probabilities(sampling: Sampling, logits: Tensor) -> Tensor:
    """Compute the distribution that `choose` draws from: logits (R, V) -> probabilities (R, V), float32.

    Temperature comes first, then top-k and min-p, then top-p among what is left.
    With temperature 0 the likeliest token has probability 1.
    """
    zeros = torch.zeros_like(logits, dtype=torch.float32)
    if sampling.temperature == 0:
        return zeros.scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    ids, weights = candidates(sampling, logits)  # (R, K) each
    return zeros.scatter_(-1, ids, (weights / weights.sum(-1, keepdim=True)).float())
