"""Logits processors: change the logits of a text's next token, in place, before it is drawn."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.decode.sampling import Sampling


class History:
    """The tokens of a text: its prompt's, and the counts of those written after it."""

    def __init__(self, prompt: Sequence[int]):
        self.prompt = frozenset(prompt)
        self.written = Counter[int]()


Processor = Callable[[NDArray[np.float32], Sampling, History], None]


def add_logit_bias(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Add to the logits of some ids."""
    for id, bias in sampling.logit_bias.items():
        logits[id] += bias


def keep_allowed_ids(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Forbid all other ids."""
    assert sampling.allowed_ids is not None
    forbidden = np.ones(len(logits), bool)
    forbidden[list(sampling.allowed_ids)] = False
    logits[forbidden] = -np.inf


def penalise_repetition(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Divide the logits of tokens in the prompt and the text; multiply those below 0.

    Source: Keskar et al., "CTRL" (2019), section 4.1; transformers for what is below 0.
    """
    seen = list(history.prompt.union(history.written))
    scores, penalty = logits[seen], np.float32(sampling.repetition_penalty)
    logits[seen] = np.where(scores < 0, scores * penalty, scores / penalty)


def penalise_written(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Lower the logits of tokens that were written, once, and once more for each time.

    Source: OpenAI's API reference.
    """
    for id, count in history.written.items():
        logits[id] -= sampling.presence_penalty + count * sampling.frequency_penalty


def keep_min_p(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Forbid tokens that are less than min_p times as likely as the likeliest.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024).
    """
    logits[logits < logits.max() + sampling.temperature * math.log(sampling.min_p)] = -np.inf


PROCESSORS: Mapping[str, Processor] = {
    "logit_bias": add_logit_bias,
    "allowed_ids": keep_allowed_ids,
    "repetition_penalty": penalise_repetition,
    "presence_penalty": penalise_written,
    "frequency_penalty": penalise_written,
    "min_p": keep_min_p,
}
"""By the field of `Sampling` that asks for each, in the order in which they are applied."""

NEUTRAL = Sampling()


def asked_for(sampling: Sampling) -> list[str]:
    """List the fields of `Sampling` that ask for a logits processor, differing from their defaults."""
    return [name for name in PROCESSORS if getattr(sampling, name) != getattr(NEUTRAL, name)]


def process(logits: NDArray[np.float32], sampling: Sampling, history: History) -> None:
    """Apply all processors that are asked for."""
    for processor in dict.fromkeys(PROCESSORS[name] for name in asked_for(sampling)):
        processor(logits, sampling, history)
