"""How the next token is chosen: greedy, temperature, top-k and top-p. `choose.py` is the mathematics of it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sampling:
    """How to choose the next token.

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
