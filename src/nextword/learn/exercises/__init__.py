"""The exercises, a file each: the task, the known mistakes, and the experiments that tell them apart."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
