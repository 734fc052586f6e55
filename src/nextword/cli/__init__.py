"""The command line: one file a verb, imported when its verb is called."""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
