"""From logits to the next token: greedy, temperature, top-k and top-p."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How to choose the next token. Calling it chooses one for each row of logits.

    temperature: logits are divided by it; 0 always takes the most likely token
    (greedy), 1 keeps the model's own probabilities, more is more adventurous.
    top_k: only the k most likely tokens may be drawn; None, or more than there
    are, means all. top_p: only the fewest tokens whose probabilities reach p
    together may be drawn; 1 means all. Raises ValueError for values that mean
    nothing.
    """

    temperature: float = 0.8
    top_k: int | None = 40
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            raise ValueError(
                f"temperature must be 0 (always the likeliest token) or a positive number, not {self.temperature}."
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {self.top_k}: 50257 or more allows every token.")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}: 1 allows every token.")

    def __call__(self, logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """logits (B, V) -> next ids (B,). The generator lives on the logits' device."""
        if self.temperature == 0:
            return logits.argmax(-1)
        return torch.multinomial(self.probabilities(logits), 1, generator=generator).squeeze(-1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """logits (B, V) -> the probabilities that are drawn from (B, V), float32.

        Temperature comes first, then top-k, then top-p among what is left.
        With temperature 0 the likeliest token has probability 1.
        """
        logits = logits.float()
        if self.temperature == 0:
            return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
        logits = logits - logits.amax(-1, keepdim=True)  # so that a tiny temperature gives -inf, never inf - inf
        logits = keep_top_k(logits / self.temperature, self.top_k)
        return keep_top_p(logits, self.top_p).softmax(-1)


def keep_top_k(logits: Tensor, k: int | None) -> Tensor:
    """Forbid all but each row's k highest logits: (B, V) -> (B, V) with -inf elsewhere.

    Exactly k are kept: among equals at the threshold, those that topk names.

    Source: Fan et al., "Hierarchical Neural Story Generation" (2018), section 5.2.
    """
    if k is None or k >= logits.size(-1):
        return logits
    top = logits.topk(k, dim=-1)
    return torch.full_like(logits, -math.inf).scatter_(-1, top.indices, top.values)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Forbid all but each row's smallest set of tokens that holds probability p together.

    (B, V) -> (B, V) with -inf elsewhere. A token is kept while those above it
    hold less than p, so the likeliest one always is.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019), section 3.1.
    """
    if p >= 1.0:
        return logits
    ordered, indices = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(-1)
    above = probabilities.cumsum(-1) - probabilities  # what the likelier tokens hold
    return torch.full_like(logits, -math.inf).scatter_(-1, indices, ordered.masked_fill(above >= p, -math.inf))
