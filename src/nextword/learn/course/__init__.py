"""A learner's folder: begun, checked in a process of its own, kept, and ended with a certificate."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
