"""LayerNorm: bring every token's numbers to mean 0 and variance 1."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixture import numbers

MISTAKES = (
    Mistake(
        name="unbiased-variance",
        equals="a LayerNorm with the unbiased variance",
        remedy="Divide the sum of squares by C, not by C - 1: x.var(-1, keepdim=True, correction=0).",
        why="torch's var and std divide by one less than the count unless told otherwise. With 768 numbers that "
        "changes them by less than a thousandth: the model trains, but official weights give slightly wrong answers.",
    ),
    Mistake(
        name="eps-outside",
        equals="a LayerNorm that adds eps to the root instead of under it",
        remedy="Put eps inside: torch.sqrt(variance + eps), not torch.sqrt(variance) + eps.",
        why="The two agree while the variance is large. Where it is as small as eps they do not: for a variance of "
        "1e-5, sqrt(variance + eps) is 0.0045 and sqrt(variance) + eps is 0.0032.",
    ),
    Mistake(
        name="eps-missing",
        equals="a LayerNorm without eps",
        remedy="Add eps to the variance under the root: torch.sqrt(variance + eps).",
        why="Without it a token whose numbers are all equal divides zero by zero and is NaN from there on.",
    ),
    Mistake(
        name="wrong-axis",
        equals="a LayerNorm over the tokens instead of over each token's numbers",
        remedy="Take mean and variance over the last dimension: x.mean(-1, keepdim=True).",
        why="Each token is normalised by itself. Over the tokens, a token would see what comes after it, "
        "and a text's length would change its beginning.",
    ),
    Mistake(
        name="whole-tensor",
        equals="a LayerNorm over all numbers at once",
        remedy="Take mean and variance over the last dimension only: x.mean(-1, keepdim=True).",
        why="mean() without a dimension mixes all tokens of all texts into two numbers.",
    ),
    Mistake(
        name="weight-ignored",
        equals="a LayerNorm that does not use its weight",
        remedy="Multiply the normalised numbers by weight before adding bias.",
        why="While weights are 1, as they are at the beginning, nothing shows. Trained weights are not 1.",
    ),
    Mistake(
        name="bias-ignored",
        equals="a LayerNorm that does not use its bias",
        remedy="Add bias at the end.",
        why="While biases are 0, as they are at the beginning, nothing shows. Trained biases are not 0.",
    ),
    Mistake(
        name="mean-kept",
        equals="a normalisation that does not subtract the mean (RMSNorm)",
        remedy="Subtract the mean first: x - x.mean(-1, keepdim=True).",
        why="Later models leave the mean in and save some time. GPT-2's weights were trained with it taken out.",
    ),
    Mistake(
        name="root-missing",
        equals="a LayerNorm that divides by the variance instead of by its root",
        remedy="Divide by torch.sqrt(variance + eps).",
        why="Only the root, the standard deviation, is in the units of x; dividing by it gives variance 1.",
    ),
)


def reference(on: Mistakes) -> Any:
    """LayerNorm in float64, with these mistakes."""

    def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
        x, weight, bias = x.double(), weight.double(), bias.double()
        axis: Any = -2 if "wrong-axis" in on else tuple(range(x.dim())) if "whole-tensor" in on else -1
        mean = 0.0 * x if "mean-kept" in on else x.mean(axis, keepdim=True)
        centred = x - mean
        squares = (centred**2).mean(axis, keepdim=True)
        if "unbiased-variance" in on:
            count = centred.numel() // squares.numel()
            squares = squares * count / (count - 1)
        eps = 0.0 if "eps-missing" in on else eps
        if "eps-outside" in on:
            size = squares.sqrt() + eps if "root-missing" not in on else squares + eps
        else:
            size = (squares + eps).sqrt() if "root-missing" not in on else squares + eps
        y = centred / size
        if "weight-ignored" not in on:
            y = y * weight
        return y if "bias-ignored" in on else y + bias

    return SimpleNamespace(layer_norm=layer_norm)


def plain_row(solution: Any) -> Any:
    """Two tokens of four numbers, with weight 1 and bias 0."""
    x = torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 1.0, 3.0]])
    return solution.layer_norm(x, torch.ones(4), torch.zeros(4))


def scaled_and_shifted(solution: Any) -> Any:
    """The same with weight and bias that matter."""
    x = torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 1.0, 3.0]])
    return solution.layer_norm(x, torch.tensor([1.0, 2.0, 3.0, 0.5]), torch.tensor([0.0, 0.1, 0.2, 0.3]))


def tiny_variance(solution: Any) -> Any:
    """A token whose variance is as small as eps: here eps decides."""
    x = torch.tensor([[0.001, 0.005, 0.003, -0.002], [1.0, 2.0, 4.0, 5.0]])
    return solution.layer_norm(x, torch.ones(4), torch.zeros(4))


def another_eps(solution: Any) -> Any:
    """eps is an argument: 0.5 instead of 1e-5."""
    x = torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 1.0, 3.0]])
    return solution.layer_norm(x, torch.ones(4), torch.zeros(4), 0.5)


def batch(solution: Any) -> Any:
    """Two texts of five tokens, twelve numbers each."""
    return solution.layer_norm(numbers(2, 5, 12), numbers(12, seed=1) + 1.0, numbers(12, seed=2))


EXERCISE = Exercise(
    name="layer_norm",
    title="LayerNorm",
    task="""\
A block works best on numbers of a known size. So before each half of it every token's C numbers are brought to
mean 0 and variance 1, each token by itself, and then scaled and shifted by numbers that are learned:

    y = (x - mean) / sqrt(variance + eps) * weight + bias

The mean and the variance are taken over the last dimension.""",
    symbols={"layer_norm": "nextword.model.plain:layer_norm"},
    stub='''
import torch
from torch import Tensor


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """@layer_norm"""
    ...
''',
    hints=(
        "Compute the mean over the last dimension, and keep that dimension (keepdim=True), so that it can be "
        "subtracted from x.",
        "The variance is the mean of the squared distances from the mean.",
        "Divide by torch.sqrt(variance + eps), then multiply by weight and add bias.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("two tokens of four numbers, weight 1 and bias 0", plain_row),
        Probe("two tokens with a weight and a bias that are not 1 and 0", scaled_and_shifted),
        Probe("a token whose variance is as small as eps", tiny_variance),
        Probe("an eps of 0.5", another_eps),
        Probe("two texts of five tokens of twelve numbers", batch),
    ),
)
