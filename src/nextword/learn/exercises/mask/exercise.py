"""The causal mask: scores become weights, and nobody looks ahead."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def reference(on: Mistakes) -> Any:
    """The weights in float64, with these mistakes."""

    def causal_weights(scores: Tensor) -> Tensor:
        scores = scores.double()
        T, S = (4, 4) if "fixed-size" in on else scores.shape[-2:]
        if "square" in on:
            T = S
        shift = 0 if "top-left" in on else T - S if "shift-reversed" in on else S - T
        shift += ("one-ahead" in on) - bool({"not-itself", "not-itself-finite"} & on)
        seen = torch.ones(T, S)
        visible = seen.triu(shift).bool() if "reversed" in on else seen.tril(shift).bool()
        if {"flipped", "flipped-finite"} & on:
            visible = ~visible
        if "mask-missing" in on:
            visible = torch.ones_like(visible)
        axis = -2 if "over-queries" in on else 1 if "over-heads" in on else -1
        if {"after-softmax", "divided-again"} & on:
            weights = scores.softmax(axis).float() * visible  # in float32 what is much smaller than the rest is 0
            return weights / weights.sum(axis, keepdim=True) if "divided-again" in on else weights
        scores = hidden(scores.softmax(axis) if "softmax-twice" in on else scores, visible)
        if "overflow" in on:
            return scores.exp() / scores.exp().sum(axis, keepdim=True)
        return scores if "softmax-missing" in on else scores.softmax(axis)

    def hidden(scores: Tensor, visible: Tensor) -> Tensor:
        if "zero-times-infinity" in on:
            return scores * math.nan
        if "ones-added" in on:
            return scores + visible
        if "offset-too-small" in on:
            return scores - 1e4 * ~visible
        numbers_instead = {
            "zero-instead": 0.0,
            "fill-too-small": -1e4,
            "plus-infinity": math.inf,
            "plus-large": 1e9,
            "flipped-finite": -1e9,
            "not-itself-finite": -1e9,
        }
        return scores.masked_fill(~visible, next((numbers_instead[n] for n in numbers_instead if n in on), -math.inf))

    return SimpleNamespace(causal_weights=causal_weights)


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
    reference=reference,
    probes=(
        Probe("four tokens with equal scores", equal_scores),
        Probe("four tokens", four_tokens),
        Probe("two queries, the last two of five positions", two_of_five),
        Probe("three tokens with scores of about -30,000", very_low),
        Probe("two queries of four positions, and a score of 30,000 ahead", high_ahead),
        Probe("two texts and three heads, five queries and seven keys", several_heads),
    ),
)
