"""The causal mask: scores become weights, and nobody looks ahead."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def equal_scores(solution: Any) -> Any:
    """Four tokens whose scores are all alike."""
    return solution.causal_weights(torch.ones(1, 1, 4, 4))


def four_tokens(solution: Any) -> Any:
    """Four tokens whose scores differ."""
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.0, 0.5, -0.5, 1.5], [0.0, 2.0, 1.0, -1.0], [-0.5, 0.0, 1.0, 0.5]])
    return solution.causal_weights(scores[None, None])


def two_of_five(solution: Any) -> Any:
    """Two queries, the last two of five positions."""
    scores = torch.tensor([[0.5, -1.0, 2.0, 0.0, 1.0], [1.0, 0.5, -0.5, 1.5, 0.0]])
    return solution.causal_weights(scores[None, None])


def very_low(solution: Any) -> Any:
    """Scores of about -30,000."""
    return solution.causal_weights(torch.arange(9.0).remainder(4).view(1, 1, 3, 3) - 30_000)


def high_ahead(solution: Any) -> Any:
    """A score of 30,000 that its query may not see. Every row sees something, even by a mask that hides too much:
    what a row of hidden scores gives depends on how they were hidden."""
    scores = torch.tensor([[0.0, 1.0, 2.0, 30_000.0], [0.0, 3.0, 1.0, 2.0]])
    return solution.causal_weights(scores[None, None])


def several_heads(solution: Any) -> Any:
    """Two texts and three heads, with five queries and seven keys."""
    return solution.causal_weights(numbers(2, 3, 5, 7))


EXERCISE = exercise_in(
    __file__,
    title="The causal mask",
    task="""\
GPT-2 guesses each token from those before it, so no token may see a later one. Its scores become weights by softmax,
over the keys, after those of later keys have been hidden. Four tokens with equal scores get the weights

    1    0    0    0        the first token sees itself
    1/2  1/2  0    0        the second itself and the first
    1/3  1/3  1/3  0
    1/4  1/4  1/4  1/4

Softmax turns a score of minus infinity into a weight of exactly zero. Scores are of shape (B, H, T, S): T queries and
S keys. Where earlier tokens are remembered, T is smaller than S, and the queries are the last T of the S positions.""",
    symbols={"causal_weights": "nextword.model.plain:causal_weights"},
    hints=(
        "First say who sees whom: a table of T rows and S columns, True where row t may see column s.",
        "torch.ones(T, S, dtype=torch.bool).tril() is that table for T = S. tril(n) keeps n more diagonals, "
        "and the last row has to see all S keys.",
        "With visible = torch.ones(T, S, dtype=torch.bool).tril(S - T), hide with "
        "scores.masked_fill(~visible, -math.inf), and give that to softmax, which works on the last dimension.",
    ),
    reference="tril",
    probes=(
        Probe("four tokens with equal scores", equal_scores),
        Probe("four tokens", four_tokens),
        Probe("two queries, the last two of five positions", two_of_five),
        Probe("three tokens with scores of about -30,000", very_low),
        Probe("two queries of four positions, and a score of 30,000 ahead", high_ahead),
        Probe("two texts and three heads, five queries and seven keys", several_heads),
    ),
)
