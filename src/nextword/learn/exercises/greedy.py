"""Greedy writing: of a model's whole answer, the likeliest token after the last position."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers

MISTAKES = (
    Mistake(
        name="first-position",
        equals="the likeliest token after the first position",
        remedy="Take the last position's logits: logits[:, -1].",
        why="The first position has seen one token only. What comes after the whole text is said at the last one.",
    ),
    Mistake(
        name="last-but-one",
        equals="the likeliest token after the last position but one",
        remedy="Take the last position's logits: logits[:, -1], not logits[:, -2].",
        why="Targets are shifted in training, where a text is longer than what is read of it. In writing nothing is "
        "shifted: the last position speaks of the token that is not there yet. At the one before it the model "
        "says what it has already been given.",
    ),
    Mistake(
        name="likeliest-position",
        equals="an argmax over the positions instead of over the vocabulary",
        remedy="Take the last position first, then the argmax over the last dimension: logits[:, -1].argmax(-1).",
        why="The dimensions of logits are (texts, positions, vocabulary); the token is a place in the last of them.",
    ),
    Mistake(
        name="least-likely",
        equals="the least likely token",
        remedy="Use argmax: a higher logit means a likelier token.",
        why="A logit is not a loss. It grows with the probability.",
    ),
    Mistake(
        name="flattened",
        equals="an argmax over all texts at once",
        remedy="Give argmax the dimension: logits[:, -1].argmax(-1) gives one token for each text.",
        why="Without a dimension argmax counts through the flattened tensor: one number, larger than any id "
        "where it stands in a later row.",
    ),
    Mistake(
        name="logit-returned",
        equals="the likeliest token's logit instead of its id",
        remedy="Return where the highest logit stands, argmax, and not how high it is, max.",
        why="max gives the values; the ids are their places, the second thing that max(-1) returns.",
    ),
    Mistake(
        name="every-position",
        equals="the likeliest token after every position of the text",
        remedy="Take the last position first: logits[:, -1].argmax(-1).",
        why="The model answers at all T positions at once. In writing, only what comes after the whole text is of use.",
    ),
    Mistake(
        name="column",
        equals="a column (B, 1) instead of ids (B,)",
        remedy="Leave keepdim away, or squeeze the last dimension: ids.squeeze(-1).",
        why="It becomes (B, 1) where it is put behind the text, in the loop that writes. Here it is one id a text.",
    ),
    Mistake(
        name="last-text",
        equals="the likeliest tokens of the last text only, at all its positions",
        remedy="Take the last position of every text: logits[:, -1], with a colon for the texts.",
        why="logits[-1] cuts off along the first dimension, which is the texts. With one text in the batch it looks "
        "like the last position.",
    ),
)


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


EXERCISE = Exercise(
    name="greedy",
    title="The likeliest token",
    task="""\
A model answers a text with logits at every position: at each, a score for every token of the vocabulary as the next
one. Writing needs what comes after the whole text. The simplest way is to take the token with the highest score there.
That always writes the same text, and on a long one it begins to repeat itself.""",
    symbols={"greedy": "nextword.decode.plain:greedy"},
    stub='''
from torch import Tensor


def greedy(logits: Tensor) -> Tensor:
    """@greedy"""
    ...
''',
    hints=(
        "Which of the T positions has seen the whole text?",
        "logits[:, -1] has the shape (B, V): the last position of each text. argmax(-1) finds the highest of V.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("one text of three tokens, five tokens in the vocabulary", small),
        Probe("four texts of seven tokens", lambda solution: solution.greedy(numbers(4, 7, 61))),
        Probe("a text of one token", lambda solution: solution.greedy(numbers(3, 1, 61, seed=1))),
    ),
)
