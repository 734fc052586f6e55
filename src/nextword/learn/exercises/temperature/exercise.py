"""Temperature: drawing the next token by its probability, more or less daringly."""

from typing import Any

import torch

from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, shares

FOUR = torch.tensor([1.0, 2.0, 0.0, 3.0])


def one_row(solution: Any) -> Any:
    """The shape of what is drawn of one text."""
    return tuple(torch.as_tensor(solution.sample(numbers(1, 61), 1.0)).shape)


def each_row_by_itself(solution: Any) -> Any:
    """Two kinds of rows in turn: how often each kind's favourite is drawn, and the number of tokens."""
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 0.0, 4.0]]).repeat(3000, 1)
    drawn = torch.as_tensor(solution.sample(logits, 1.0)).reshape(3000, 2)
    return Near([(drawn[:, 0] == 0).double().mean(), (drawn[:, 1] == 2).double().mean()], 0.05)


EXERCISE = exercise_in(
    __file__,
    title="Drawing with a temperature",
    task="""\
Always taking the likeliest token makes dull texts. Instead the next token is drawn: each as often as the model thinks
it likely. The temperature bends these probabilities first. Below 1 the likely gets likelier, above 1 the unlikely gets
a chance, and at 0 the likeliest token takes everything:

    probabilities = softmax(logits / temperature)""",
    symbols={"sample": "nextword.decode.plain:sample"},
    hints=(
        "The temperature acts on the logits, before the softmax.",
        "torch.multinomial(probabilities, 1) draws one place of each row by its probability: (B, V) -> (B, 1).",
        "What is logits / 0? Answer a temperature of 0 before you divide.",
    ),
    reference="multinomial",
    probes=(
        Probe("how often each of four tokens is drawn, temperature 0", lambda s: shares(s.sample, FOUR, 0.0)),
        Probe("how often each of four tokens is drawn, temperature 1", lambda s: shares(s.sample, FOUR)),
        Probe("how often each of four tokens is drawn, temperature 0.5", lambda s: shares(s.sample, FOUR, 0.5)),
        Probe("how often each of four tokens is drawn, temperature 3", lambda s: shares(s.sample, FOUR, 3.0)),
        Probe("how often each of two texts gets its favourite, side by side", each_row_by_itself),
        Probe("the shape of what is drawn for one text", one_row),
    ),
)
