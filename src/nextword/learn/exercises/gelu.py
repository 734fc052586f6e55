"""GELU: the bend without which a network, however deep, would be one straight line."""

import math
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers, trained_through

MISTAKES = (
    Mistake(
        name="erf",
        equals="the exact GELU, by the error function",
        remedy="Use the tanh form; in PyTorch that is gelu(x, approximate='tanh').",
        why="The two differ by up to 0.0005. GPT-2 was trained with the tanh form, so with the exact one official "
        "weights give answers that are a little off everywhere.",
    ),
    Mistake(
        name="sigmoid-form",
        equals="x * sigmoid(1.702 x), the quick approximation of GELU",
        remedy="Use the tanh form: 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).",
        why="It is from the same paper, and off by up to 0.02. CLIP uses it; GPT-2 does not.",
    ),
    Mistake(
        name="silu",
        equals="SiLU, x * sigmoid(x)",
        remedy="Use the tanh form: 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).",
        why="SiLU has a similar bend, and Llama uses it. GPT-2's weights were trained with GELU.",
    ),
    Mistake(
        name="relu",
        equals="ReLU",
        remedy="Use the tanh form: 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).",
        why="The Transformer of 2017 has ReLU, a corner instead of a bend, and no gradient at all left of 0.",
    ),
    Mistake(
        name="half-missing",
        equals="a GELU without the factor 0.5",
        remedy="Multiply by 0.5.",
        why="1 + tanh goes from 0 to 2; the half of it is the share of x that is let through, at most all.",
    ),
    Mistake(
        name="x-missing",
        equals="the share of x that GELU lets through, instead of what it lets through",
        remedy="Multiply by x: 0.5 * x * (1 + tanh(...)).",
        why="0.5 * (1 + tanh(...)) goes from 0 to 1 like a sigmoid, and says how much of x passes.",
    ),
    Mistake(
        name="one-missing",
        equals="a GELU without the 1 before tanh",
        remedy="Add 1 to tanh: 0.5 * x * (1 + tanh(...)).",
        why="x * tanh(x) is the same on both sides of 0: negative numbers would come out as large positive ones.",
    ),
    Mistake(
        name="bracket-missing",
        equals="a GELU with the bracket missing around 1 + tanh",
        remedy="Put 1 + tanh(...) into brackets: 0.5 * x * (1 + tanh(...)).",
        why="A product binds before a sum, so that 0.5 * x is multiplied by 1 only.",
    ),
    Mistake(
        name="cubic-term-missing",
        equals="a GELU without the cubic term",
        remedy="Add 0.044715 * x**3 to x inside tanh.",
        why="The cubic term bends the curve to the true one. Without it the error grows to 0.03 around 2.",
    ),
    Mistake(
        name="coefficient-missing",
        equals="a GELU whose cubic term has lost its 0.044715",
        remedy="Multiply x**3 by 0.044715.",
        why="The cubic term is a small correction. At full size it takes the lead from 1 on.",
    ),
    Mistake(
        name="coefficient-ten-times",
        equals="a GELU with 0.44715 instead of 0.044715",
        remedy="Write 0.044715, with two zeros.",
        why="The curve looks much the same, but its bend is too sharp.",
    ),
    Mistake(
        name="coefficient-outside",
        equals="a GELU that multiplies x as well by 0.044715",
        remedy="Multiply x**3 only: x + 0.044715 * x**3.",
        why="0.044715 * (x + x**3) is so small that the bend becomes a nearly straight line through 0.",
    ),
    Mistake(
        name="square",
        equals="a GELU with the square of x instead of the cube",
        remedy="Write x**3.",
        why="A square is positive on both sides, and the share of x let through would no longer be symmetric about 0.",
    ),
    Mistake(
        name="root-missing",
        equals="a GELU with 2 / pi instead of its root",
        remedy="Take the root: math.sqrt(2 / math.pi), which is 0.7979.",
        why="2 / pi is 0.6366: the bend becomes too wide.",
    ),
    Mistake(
        name="root-inverted",
        equals="a GELU with sqrt(pi / 2) instead of sqrt(2 / pi)",
        remedy="Write math.sqrt(2 / math.pi), which is 0.7979.",
        why="sqrt(pi / 2) is 1.2533: the bend becomes too sharp.",
    ),
    Mistake(
        name="factor-missing",
        equals="a GELU without sqrt(2 / pi)",
        remedy="Multiply what is inside tanh by math.sqrt(2 / math.pi).",
        why="With this factor the curve has at 0 the slope of the normal distribution that it stands for.",
    ),
    Mistake(
        name="factor-on-x-only",
        equals="a GELU that multiplies only x by sqrt(2 / pi), and not the cubic term",
        remedy="Put x + 0.044715 * x**3 into brackets, and multiply the whole by sqrt(2 / pi).",
        why="A product binds before a sum.",
    ),
    Mistake(
        name="tanh-overflows",
        equals="a GELU that is NaN for large numbers, since exp overflows in its tanh",
        remedy="Use torch.tanh.",
        why="(exp(z) - exp(-z)) / (exp(z) + exp(-z)) divides infinity by infinity from z = 89 on, in float32; "
        "for GELU that is x = 13. One NaN in a model makes everything NaN.",
    ),
    Mistake(
        name="cube-missing",
        equals="a GELU with x itself instead of its cube",
        remedy="Write x**3 in x + 0.044715 * x**3.",
        why="x + 0.044715 * x is 1.044715 * x. Near 1 and -1, where x**3 is x, nothing shows.",
    ),
    Mistake(
        name="root-of-2-only",
        equals="a GELU with sqrt(2) / pi instead of sqrt(2 / pi)",
        remedy="Divide inside the root: math.sqrt(2 / math.pi), which is 0.7979.",
        why="sqrt(2) / pi is 0.4502: the bend becomes much too wide.",
    ),
    Mistake(
        name="cube-of-the-product",
        equals="a GELU with (0.044715 * x)**3 instead of 0.044715 * x**3",
        remedy="Take the power of x only: 0.044715 * x**3.",
        why="The cube of 0.044715 is nearly nothing, so the term is gone.",
    ),
    Mistake(
        name="minus",
        equals="a GELU with 1 - tanh instead of 1 + tanh",
        remedy="Write 1 + torch.tanh(...).",
        why="The curve is then turned round: it lets negative numbers through and holds positive ones back.",
    ),
    Mistake(
        name="float64-returned",
        equals="a GELU that gives back float64 for float32",
        remedy="Give back the type that came in: leave out .double() and numpy's own numbers, or end with "
        ".to(x.dtype).",
        why="numpy makes float64 easily. The weights that come next are float32, and PyTorch refuses to "
        "multiply the two, far from here.",
    ),
    Mistake(
        name="gradient-cut",
        equals="a GELU that no gradient passes through",
        remedy="Compute with torch's functions on x itself: no .numpy(), .item(), .tolist(), .detach() or .data.",
        why="The numbers are right, but training has to go back through every step that made them, and stops here.",
    ),
)


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


EXERCISE = Exercise(
    name="gelu",
    title="GELU",
    task="""\
Between its two matrices, the feed-forward half of a block has a function that bends: it lets positive numbers
through and holds negative ones back. Without it the two matrices would do no more than one.

GPT-2's bend is GELU: x times the probability that a normal random number is below x. It uses a form by tanh, which
was faster in 2019 than the exact one, and differs from it by up to 0.0005:

    0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))

Training will go back through what you write, so compute with torch's functions.""",
    symbols={"gelu": "nextword.model.plain:gelu"},
    stub='''
import math

import torch
from torch import Tensor


def gelu(x: Tensor) -> Tensor:
    """@gelu"""
    ...
''',
    hints=(
        "torch.tanh and ** work on each number of a tensor.",
        "math.sqrt(2.0 / math.pi) is the factor; inside tanh it multiplies the whole sum.",
        "Try gelu(torch.tensor([0.0, 1.0, -1.0])): it should be 0, 0.8412 and -0.1588.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("five numbers from -2 to 2", five_numbers),
        Probe("large numbers", far_out),
        Probe("two texts of three tokens of five numbers", batch),
        Probe("whether it can be trained through", lambda solution: trained_through(solution.gelu, numbers(2, 3))),
    ),
)
