"""See inside: what a model is thinking on its way to the next token."""

from nextword.lens.logit_lens import logit_lens

__all__ = ["logit_lens"]
