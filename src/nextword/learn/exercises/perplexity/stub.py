import math
from collections.abc import Sequence


def perplexity(losses: Sequence[float], counts: Sequence[int]) -> float:
    """@perplexity"""
    ...
