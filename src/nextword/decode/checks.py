"""Refuse, in the same words for every engine, ids outside the vocabulary and logits that are no numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.decode.sampling import Sampling
from nextword.errors import NotFiniteError, SettingError


def check_sampling(sampling: Sampling, config: GPTConfig) -> None:
    """Raise SettingError where logit_bias or allowed_ids name an id outside the vocabulary."""
    for name, ids in (("logit_bias", sampling.logit_bias), ("allowed_ids", sampling.allowed_ids)):
        if ids and max(ids) >= config.n_vocab:
            raise SettingError(name, f"names id {max(ids)}, outside the vocabulary of 0 to {config.n_vocab - 1}.")


def check_text(ids: Sequence[int], config: GPTConfig) -> None:
    """Raise ValueError unless a model of this shape can read these ids."""
    if not 1 <= len(ids) <= config.n_ctx:
        raise ValueError(f"{len(ids)} tokens cannot be read at once: give 1 to n_ctx = {config.n_ctx} of them.")
    if wrong := [id for id in ids if not 0 <= id < config.n_vocab]:
        raise ValueError(
            f"id {wrong[0]} is outside the vocabulary, 0 to {config.n_vocab - 1}: was it made by another tokenizer?"
        )


def check_finite(logits: NDArray[np.float32]) -> None:
    """Raise NotFiniteError where NaN or infinity is among logits (..., V)."""
    if not np.isfinite(logits).all():
        raise not_finite(bool(np.isnan(logits).any()))


def not_finite(has_nan: bool) -> NotFiniteError:
    """Make the error for logits by which no token can be chosen."""
    return NotFiniteError(
        f"the model computes {'NaN' if has_nan else 'infinity'} after this text, by which no token can be chosen. Its "
        "weights are damaged or come from a training that diverged, or its numbers outgrow their type: take an "
        "earlier checkpoint, or use float32."
    )
