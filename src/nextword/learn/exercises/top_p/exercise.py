"""Top-p: drawing among the fewest tokens that hold a share p of the probability."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import shares

FIVE = torch.log(torch.tensor([0.06, 0.3, 0.04, 0.45, 0.15]))
"""Logits whose probabilities are these, so that sums can be made in one's head."""


def side_by_side(solution: Any) -> Any:
    """The sets of tokens drawn for a certain and for an open next word."""
    logits = torch.log(torch.tensor([[0.9, 0.04, 0.03, 0.02, 0.01], [0.15, 0.2, 0.2, 0.2, 0.25]])).repeat(500, 1)
    drawn = torch.as_tensor(solution.sample_top_p(logits, 0.83)).reshape(500, 2)
    return [sorted(set(drawn[:, row].tolist())) for row in range(2)]


EXERCISE = exercise_in(
    __file__,
    title="Top-p",
    task="""\
How many tokens make sense as the next one differs from place to place: one after "Barack", hundreds after "the". Top-p
lets the model say so. Ordered from the likeliest down, the tokens are kept until their probabilities reach p together;
the one with which the sum reaches p still belongs to them. Among these one is drawn, with its own odds.""",
    symbols={"sample_top_p": "nextword.decode.plain:sample_top_p"},
    hints=(
        "Divide by the temperature, then sort in descending order: sort gives the values and their ids.",
        "cumsum(-1) of the sorted probabilities is what each token and those before it hold together; "
        "less the token's own probability, it is what those before it hold.",
        "A token is hidden (minus infinity) where those before it already hold p. What is drawn is a place in the "
        "order: gather its id.",
    ),
    reference="shifted_mask",
    probes=(
        Probe("how often each of five tokens is drawn with p = 0.6", lambda s: shares(s.sample_top_p, FIVE, 0.6)),
        Probe("how often each of five tokens is drawn with p = 0.2", lambda s: shares(s.sample_top_p, FIVE, 0.2)),
        Probe("which tokens are drawn of two texts side by side, p = 0.83", side_by_side),
        Probe(
            "how often each of five tokens is drawn with p = 0.8, temperature 3",
            lambda s: shares(s.sample_top_p, FIVE, 0.8, temperature=3.0, draws=8000),  # 9 makes a difference of 0.05
        ),
        Probe("how often each of five tokens is drawn with p = 0.99", lambda s: shares(s.sample_top_p, FIVE, 0.99)),
    ),
)
