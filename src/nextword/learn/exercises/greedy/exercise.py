"""Greedy writing: of a model's whole answer, the likeliest token after the last position."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def reference(on: Mistakes) -> Any:
    """The greedy choice in float64, with these mistakes."""

    def greedy(logits: Tensor) -> Tensor:
        logits = logits.double()
        if "every-position" in on:
            return logits.argmax(-1)
        if "last-text" in on:
            return logits[-1].argmax(-1)
        position = 0 if "first-position" in on else -2 if "last-but-one" in on and logits.size(1) > 1 else -1
        if "likeliest-position" in on:
            return logits.argmax(1)[:, position]
        last = logits[:, position]
        if "least-likely" in on:
            last = -last
        if "flattened" in on:
            return last.argmax()
        return last.amax(-1) if "logit-returned" in on else last.argmax(-1, keepdim="column" in on)

    return SimpleNamespace(greedy=greedy)


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
    reference=reference,
    probes=(
        Probe("one text of three tokens, five tokens in the vocabulary", small),
        Probe("four texts of seven tokens", lambda solution: solution.greedy(numbers(4, 7, 61))),
        Probe("a text of one token", lambda solution: solution.greedy(numbers(3, 1, 61, seed=1))),
    ),
)
