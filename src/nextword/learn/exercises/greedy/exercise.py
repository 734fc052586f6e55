"""Greedy writing: of a model's whole answer, the likeliest token after the last position."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def small(solution: Any) -> Any:
    """One text of three tokens, a vocabulary of five."""
    logits = torch.tensor([[[5.0, 0.0, 1.0, 2.0, 3.0], [0.0, 4.0, 1.0, 2.0, -5.0], [-9.0, 2.0, 1.0, 7.0, 3.0]]])
    return solution.greedy(logits)


EXERCISE = exercise_in(
    __file__,
    title="The likeliest token",
    task="""\
A model answers a text with logits at every position: at each, a score for every token of the vocabulary as the next
one. Writing needs what comes after the whole text. The simplest way is to take the token with the highest score there.
That always writes the same text, and on a long one it begins to repeat itself.""",
    symbols={"greedy": "nextword.decode.plain:greedy"},
    hints=(
        "Which of the T positions has seen the whole text?",
        "logits[:, -1] has the shape (B, V): the last position of each text. argmax(-1) finds the highest of V.",
    ),
    reference="argmax",
    probes=(
        Probe("one text of three tokens, five tokens in the vocabulary", small),
        Probe("four texts of seven tokens", lambda solution: solution.greedy(numbers(4, 7, 61))),
        Probe("a text of one token", lambda solution: solution.greedy(numbers(3, 1, 61, seed=1))),
    ),
)
