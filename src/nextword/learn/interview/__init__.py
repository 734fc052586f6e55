"""The interview: a planted mistake to find, and questions with worked answers."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
