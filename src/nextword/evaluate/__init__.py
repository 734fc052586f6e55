"""How good a model is: its loss and its perplexity on a text."""

from nextword.evaluate.loss import evaluate, in_digits, perplexity
from nextword.lazy import attach

__all__ = ["evaluate", "in_digits", "perplexity"]

__getattr__, __dir__ = attach(__name__)
