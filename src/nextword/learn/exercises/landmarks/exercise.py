"""Landmarks of a loss: what knowing the frequencies alone costs, and bits a byte."""

from collections.abc import Callable
from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def text(*ids: int) -> Callable[[Any], Any]:
    """Make a probe that asks for the frequency loss of a text."""
    return lambda solution: float(solution.frequency_loss(torch.tensor(ids)))


def converted(loss: float, n_tokens: int, n_bytes: int) -> Callable[[Any], Any]:
    """Make a probe that converts one loss."""
    return lambda solution: float(solution.bits_per_byte(loss, n_tokens, n_bytes))


EXERCISE = exercise_in(
    __file__,
    title="Is my loss normal?",
    task="""\
A loss says little without two landmarks. Untrained, a model is at ln V. Soon after, it knows how frequent each token is
and nothing else: its loss is the entropy of the frequencies, -sum of p ln p over all tokens that occur. A run that
stays there does not read what stands before a token.

And two runs with different tokenizers can be compared in bits a byte of the text only: a nat is 1 / ln 2 bits.""",
    symbols={
        "frequency_loss": "nextword.evaluate.plain:frequency_loss",
        "bits_per_byte": "nextword.evaluate.plain:bits_per_byte",
    },
    hints=(
        "Count each id (torch.bincount), and drop the counts of 0: 0 times ln 0 is no number. p = counts / len(ids).",
        "All tokens together cost loss * n_tokens nats, so loss * n_tokens / ln 2 bits; divide these by n_bytes.",
    ),
    reference="counts",
    probes=(
        Probe("a text of four tokens, two of them alike", text(0, 1, 1, 2)),
        Probe("a text of eight tokens, some ids unused", text(1, 1, 1, 1, 3, 3, 6, 7)),
        Probe("a text that says one token only", text(2, 2, 2)),
        Probe("1 nat a token, 10 tokens of 40 bytes", converted(1.0, 10, 40)),
        Probe("3 nats a token, 7 tokens of 21 bytes", converted(3.0, 7, 21)),
    ),
)
