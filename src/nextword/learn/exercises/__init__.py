"""The exercises, a folder each: the task, the stub, the known mistakes, experiments that tell them apart, answers."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
