"""What an exercise is, and what an answer to one is worth: which mistake it makes, and how that is said."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
