"""From logits and a random number to the next token.

Nothing here depends on values but the contents of tensors of fixed shapes, so
that all of it can be captured in a CUDA graph.
"""

import torch
from torch import Tensor

from nextword.decode.logits_processors import asked_for
from nextword.decode.sampling import Sampling


def choose(sampling: Sampling, logits: Tensor, numbers: Tensor) -> Tensor:
    """Choose a token for each row: logits (R, V), numbers (R,) in [0, 1) -> ids (R,).

    Lay the tokens' probabilities end to end, in the order of ids, and take the
    token in which the number falls: the first where the running sum exceeds
    number * total. With temperature 0 the number does not matter: the likeliest
    token is taken, of several the first.

    Source: the inverse of the distribution function; Devroye, "Non-Uniform
    Random Variate Generation" (1986), section III.2.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    ids, weights = candidates(sampling, logits)  # (R, K) each
    running = weights.cumsum(-1)  # (R, K)
    if running.dtype == torch.float32:
        numbers = numbers.clamp(max=1.0 - 2.0**-24)  # what float32 would round up to 1 lies beyond the last token
    target = numbers.to(running.dtype).unsqueeze(-1) * running[:, -1:]  # (R, 1)
    index = (running <= target).sum(-1, keepdim=True).clamp(max=ids.size(-1) - 1)  # (R, 1)
    return ids.gather(-1, index).squeeze(-1)


def can_choose(sampling: Sampling) -> bool:
    """Whether `choose` does all that is asked for; of the logits processors it knows min-p."""
    return set(asked_for(sampling)) <= {"min_p"}


def candidates(sampling: Sampling, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Find the tokens that may be drawn, in the order of ids, and their weights.

    Temperature comes first, then top-k and min-p, then top-p among what is left.
    logits (R, V) -> ids (R, K) of int64, weights (R, K) of float64, where K is
    top_k, or V. The likeliest token weighs 1; what min-p or top-p forbids weighs 0.
    """
    V = logits.size(-1)
    logits = logits.float()
    highest = logits.amax(-1, keepdim=True)  # subtracted, a tiny temperature gives exp(-inf) and never inf - inf
    if sampling.top_k is None or sampling.top_k >= V:
        ids = torch.arange(V, device=logits.device).expand_as(logits)
        if sampling.top_p >= 1.0:
            return ids, keep_min_p(weigh(logits - highest, sampling.temperature), sampling.min_p)
        ordered, ids = logits.sort(dim=-1, descending=True, stable=True)
    else:
        ids = highest_ids(logits, sampling.top_k)  # (R, K)
        ordered = logits.gather(-1, ids)
    weights = keep_min_p(weigh(ordered - highest, sampling.temperature), sampling.min_p)
    if sampling.top_p < 1.0:
        weights = keep_top_p(weights, sampling.top_p)
    ids, order = ids.sort(dim=-1)
    return ids, weights.gather(-1, order)


def weigh(logits: Tensor, temperature: float) -> Tensor:
    """Compute exp(logits / temperature), in float64 where the device has it, for exact sums."""
    wide = torch.float32 if logits.device.type == "mps" else torch.float64
    return torch.exp(logits.to(wide) / max(temperature, torch.finfo(wide).tiny))  # 0 / 0 where it rounds to 0


def highest_ids(logits: Tensor, k: int) -> Tensor:
    """Find each row's k highest logits: their ids, highest first, among equals the lower id.

    logits (R, V) of float32 -> (R, k). Which of several equals `topk` takes is
    undefined, so it is given numbers of which none are equal: the logit's bits
    above, the id below.

    Source: Fan et al., "Hierarchical Neural Story Generation" (2018), section
    5.2, for top-k; IEEE 754's bits, read as an integer, are in the numbers' order.
    """
    V = logits.size(-1)
    bits = (logits + 0.0).view(torch.int32)  # + 0.0, since -0.0 and 0.0 are equal and their bits are not
    rank = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # negative numbers' bits run backwards
    backwards = torch.arange(V - 1, -1, -1, device=logits.device)
    return V - 1 - ((rank.long() << 32) | backwards).topk(k, dim=-1).values % 2**32


def keep_min_p(weights: Tensor, p: float) -> Tensor:
    """Forbid tokens that weigh less than p; the likeliest weighs 1. The logits processor has the source."""
    return weights.masked_fill(weights < p, 0.0) if p else weights


def keep_top_p(weights: Tensor, p: float) -> Tensor:
    """Forbid all but each row's smallest set of tokens with the share p of its weight.

    weights (R, K), heaviest first -> the same, with 0 for what is forbidden. A
    token is kept while those before it hold less than p, so the first always is.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019), section 3.1.
    """
    before = weights.cumsum(-1) - weights
    return weights.masked_fill(before >= p * weights.sum(-1, keepdim=True), 0.0)
