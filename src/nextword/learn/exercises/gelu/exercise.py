"""GELU: the bend without which a network, however deep, would be one straight line."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, trained_through


def five_numbers(solution: Any) -> Any:
    """On both sides of 0."""
    return solution.gelu(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]))


def far_out(solution: Any) -> Any:
    """Where everything or nothing is let through."""
    return solution.gelu(torch.tensor([4.0, 10.0, 30.0, 100.0]))


def batch(solution: Any) -> Any:
    """Two texts of three tokens of five numbers."""
    return solution.gelu(2.0 * numbers(2, 3, 5))


EXERCISE = exercise_in(
    __file__,
    title="GELU",
    task="""\
Between its two matrices, the feed-forward half of a block has a function that bends: it lets positive numbers
through and holds negative ones back. Without it the two matrices would do no more than one.

GPT-2's bend is GELU: x times the probability that a normal random number is below x. It uses a form by tanh, which
was faster in 2019 than the exact one, and differs from it by up to 0.0005:

    0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))

Training will go back through what you write, so compute with torch's functions.""",
    symbols={"gelu": "nextword.model.plain:gelu"},
    hints=(
        "torch.tanh and ** work on each number of a tensor.",
        "math.sqrt(2.0 / math.pi) is the factor; inside tanh it multiplies the whole sum.",
        "Try gelu(torch.tensor([0.0, 1.0, -1.0])): it should be 0, 0.8412 and -0.1588.",
    ),
    reference="formula",
    probes=(
        Probe("five numbers from -2 to 2", five_numbers),
        Probe("large numbers", far_out),
        Probe("two texts of three tokens of five numbers", batch),
        Probe("whether it can be trained through", lambda solution: trained_through(solution.gelu, numbers(2, 3))),
    ),
)
