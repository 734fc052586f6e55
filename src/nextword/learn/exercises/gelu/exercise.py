"""GELU: the bend without which a network, however deep, would be one straight line."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, trained_through


def reference(on: Mistakes) -> Any:
    """GELU in float64, with these mistakes."""

    def gelu(x: Tensor) -> Tensor:
        y = in_float64(x.double())
        y = y.detach() if "gradient-cut" in on else y
        return y if "float64-returned" in on else y.to(x.dtype)

    def in_float64(x: Tensor) -> Tensor:
        others = {
            "erf": 0.5 * x * (1.0 + torch.erf(x / math.sqrt(2.0))),
            "sigmoid-form": x * torch.sigmoid(1.702 * x),
            "silu": x * torch.sigmoid(x),
            "relu": x.clamp(min=0.0),
        }
        for name, y in others.items():
            if name in on:
                return y
        coefficient = 1.0 if "coefficient-missing" in on else 0.44715 if "coefficient-ten-times" in on else 0.044715
        power = coefficient * x ** (2 if "square" in on else 1 if "cube-missing" in on else 3)
        if "cube-of-the-product" in on:
            power = (coefficient * x) ** 3
        if "cubic-term-missing" in on:
            power = 0.0 * x
        linear = 0.044715 * x if "coefficient-outside" in on else x
        factor = math.sqrt(2.0 / math.pi)
        if "root-missing" in on:
            factor = 2.0 / math.pi
        if "root-inverted" in on:
            factor = math.sqrt(math.pi / 2.0)
        if "root-of-2-only" in on:
            factor = math.sqrt(2.0) / math.pi
        if "factor-missing" in on:
            factor = 1.0
        inside = factor * linear + power if "factor-on-x-only" in on else factor * (linear + power)
        bent = -torch.tanh(inside) if "minus" in on else torch.tanh(inside)
        if "tanh-overflows" in on:
            bent = torch.where(inside.abs() < 80.0, bent, math.nan)  # float32's exp ends there
        half = 1.0 if "half-missing" in on else 0.5
        before = half if "x-missing" in on else half * x
        if "bracket-missing" in on:
            return before + bent
        return before * (bent if "one-missing" in on else 1.0 + bent)

    return SimpleNamespace(gelu=gelu)


def five_numbers(solution: Any) -> Any:
    """On both sides of 0."""
    return solution.gelu(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]))


def far_out(solution: Any) -> Any:
    """Where everything or nothing is let through."""
    return solution.gelu(torch.tensor([4.0, 10.0, 20.0, 100.0]))


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
    reference=reference,
    probes=(
        Probe("five numbers from -2 to 2", five_numbers),
        Probe("large numbers", far_out),
        Probe("two texts of three tokens of five numbers", batch),
        Probe("whether it can be trained through", lambda solution: trained_through(solution.gelu, numbers(2, 3))),
    ),
)
