"""The checker: exercises, their answers in several styles, the diagnosis of a learner's answer, and its report."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
