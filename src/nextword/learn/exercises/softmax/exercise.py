"""Softmax: from scores, which may be any numbers, to probabilities."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, trained_through


def scores(*rows: tuple[float, ...]) -> Probe:
    """The probabilities of a matrix of scores."""
    return Probe(f"the scores {list(map(list, rows))}", lambda solution: solution.softmax(torch.tensor(rows)))


def masked(solution: Any) -> Any:
    """Scores of which some are hidden, as in attention."""
    hidden = float("-inf")
    return solution.softmax(torch.tensor([[0.5, hidden, hidden], [1.0, -1.0, hidden], [0.0, 2.0, 1.0]]))


def four_dimensions(solution: Any) -> Any:
    """The shape that attention has: no two sizes alike."""
    return solution.softmax(2.0 * numbers(2, 3, 4, 5))


def whether_kept(solution: Any) -> Any:
    """Whether the scores are unchanged."""
    x = numbers(2, 3)
    before = x.clone()
    solution.softmax(x)
    return {"the scores are left as they were": torch.equal(x, before)}


EXERCISE = exercise_in(
    __file__,
    title="Softmax",
    task="""\
Twice GPT-2 has scores and wants shares: in attention, of how much to take from each earlier token, and at the end, of
how likely each token is the next one. Softmax makes the scores of a row positive by exp, and divides by their sum:

    softmax(x)_i = exp(x_i) / sum_j exp(x_j)

It works on the last dimension, whatever others there are. And scores may be large: exp(89) is too much for float32. But
the same number may be subtracted from all scores of a row without changing the result, so let the largest become 0.

A score of minus infinity gets a share of 0: so a later exercise will hide tokens. And training will go back through
what you write, so compute with torch's functions.""",
    symbols={"softmax": "nextword.model.plain:softmax"},
    hints=(
        "First without care for large scores: torch.exp(x), divided by its sum over the last dimension.",
        "keepdim=True keeps a dimension of size 1 where the sum was taken, so that rows are divided by their own sum.",
        "Now subtract x.amax(-1, keepdim=True) before exp.",
    ),
    reference="steps",
    probes=(
        scores((1.0, 2.0, 4.0), (0.0, -1.0, 0.0)),
        scores((1.0, 0.0, 3.0), (0.5, 2.0, 2.0), (0.0, -1.0, 1.0)),
        scores((1000.0, 1001.0, 999.0), (-1.0, 0.0, 1.0)),
        scores((0.0, 1.0, 2.0), (-2000.0, -2001.0, -2003.0)),
        Probe("scores of which some are -inf", masked),
        Probe("scores of the shape (2, 3, 4, 5)", four_dimensions),
        Probe("what becomes of the scores themselves", whether_kept),
        Probe("whether it can be trained through", lambda solution: trained_through(solution.softmax, numbers(2, 3))),
    ),
)
