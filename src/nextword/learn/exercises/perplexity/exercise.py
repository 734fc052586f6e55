"""Perplexity: among how many equally likely tokens the model seems to be choosing."""

import math
from typing import Any

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import CONFIG


def two_pieces(solution: Any) -> Any:
    """An easy piece of three tokens and a hard one of a single token, mean loss 1.5."""
    return solution.perplexity([1.0, 3.0], [3, 1])


def knowing_nothing(solution: Any) -> Any:
    """A loss of ln V everywhere."""
    return solution.perplexity([math.log(CONFIG.n_vocab)] * 2, [2, 3])


def certain(solution: Any) -> Any:
    """No surprise at all."""
    return solution.perplexity([0.0, 0.0, 0.0], [2, 2, 1])


def four_pieces(solution: Any) -> Any:
    """Four pieces as they come from a text."""
    return solution.perplexity([1.25, 0.5, 2.0, 0.75], [4, 4, 4, 2])


EXERCISE = exercise_in(
    __file__,
    title="Perplexity",
    task="""\
A loss in nats is hard to picture. exp(loss) is easier: it is the number of equally likely tokens among which one would
be surprised as much. A model that knows nothing chooses among all n_vocab; one that is always certain has 1.

A long text is measured in pieces. From the mean loss and the number of tokens of each, compute the perplexity of
the whole text: exp of the mean loss over all its tokens.""",
    symbols={"perplexity": "nextword.evaluate.plain:perplexity"},
    hints=(
        "Put the pieces together first: a piece's mean loss times its count is the sum of its tokens' losses.",
        "Divide the sum of all tokens' losses by the number of all tokens, and take math.exp of that, once.",
    ),
    reference="loop",
    probes=(
        Probe("three tokens with a mean loss of 1, and one with 3", two_pieces),
        Probe("a loss of ln 61 everywhere", knowing_nothing),
        Probe("a loss of 0 everywhere", certain),
        Probe("four pieces, of which the last is shorter", four_pieces),
    ),
)
