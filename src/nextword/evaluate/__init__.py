"""How good a model is: its loss and its perplexity on a text."""

from nextword.evaluate.loss import evaluate, perplexity

__all__ = ["evaluate", "perplexity"]
