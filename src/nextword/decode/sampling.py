"""Sampling settings, the same for Python, the command line and the server.

A new sampler costs two files and a flag: its field here, with the default that changes nothing, its check and its
keyword; its function in `logits_processors.py`; its flag in `cli/generate.py`. Where a CUDA graph is to have it as
well, `choose.py` is a third file.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from nextword.errors import SettingError


@dataclass(frozen=True)
class Sampling:
    """Choose the next token by these settings.

    temperature: logits are divided by it; 0 always takes the likeliest token (greedy), 1 keeps the model's own
    probabilities, more is more adventurous. top_k: only the k likeliest tokens may be drawn; None, or more than there
    are, means all. top_p: only the fewest tokens whose probabilities reach p together may be drawn; 1 means all.

    The others change the logits first, in `logits_processors.py`. min_p: only tokens at least min_p times as likely as
    the likeliest may be drawn; 0 means all. repetition_penalty divides the logit, or multiplies it where it is below 0,
    of every token that the prompt or the text holds; 1 changes nothing. presence_penalty is taken from the logit of
    every token that was written, frequency_penalty as many times as it was. logit_bias: what is added to the logit of
    an id. allowed_ids: the only ids that may be drawn; None means all.

    Raises SettingError for values that mean nothing.
    """

    temperature: float = 0.8
    top_k: int | None = 40
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    allowed_ids: Collection[int] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            fault = f"must be 0 (always the likeliest token) or a positive number, not {self.temperature}."
            raise SettingError("temperature", fault)
        if self.top_k is not None and self.top_k < 1:
            raise SettingError("top_k", f"must be at least 1, not {self.top_k}: 50257 or more allows every token.")
        if not 0.0 < self.top_p <= 1.0:
            raise SettingError("top_p", f"must be above 0 and at most 1, not {self.top_p}: 1 allows every token.")
        if not 0.0 <= self.min_p <= 1.0:
            raise SettingError("min_p", f"must be from 0 to 1, not {self.min_p}: 0 allows every token.")
        if not 0.0 < self.repetition_penalty < math.inf:
            fault = f"must be a positive number, not {self.repetition_penalty}: 1 changes nothing."
            raise SettingError("repetition_penalty", fault)
        for name in ("presence_penalty", "frequency_penalty"):
            if not math.isfinite(value := getattr(self, name)):
                raise SettingError(name, f"must be a number, not {value}: 0 changes nothing.")
        for id, bias in self.logit_bias.items():
            if id < 0 or not math.isfinite(bias):
                raise SettingError("logit_bias", f"must give ids, which begin at 0, a number each, not {bias} to {id}.")
        if self.allowed_ids is not None and min(self.allowed_ids, default=-1) < 0:
            raise SettingError("allowed_ids", "must name at least one id, and none below 0; None allows every token.")


class SamplingArguments(TypedDict, total=False):
    """Keywords of `generate`, `stream` and `generate_batch`: the fields of `Sampling`, with its defaults."""

    temperature: float
    top_k: int | None
    top_p: float
    min_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float]
    allowed_ids: Collection[int] | None
