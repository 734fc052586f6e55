"""LayerNorm: bring every token's numbers to mean 0 and variance 1."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, trained_through


def reference(on: Mistakes) -> Any:
    """LayerNorm in float64, with these mistakes."""

    def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
        given, x, weight, bias = x, x.double(), weight.double(), bias.double()
        axis: Any = tuple(range(x.dim())) if "whole-tensor" in on else -1
        for name, other in (("wrong-axis", -2), ("axis-0", 0), ("axis-1", 1)):
            axis = other if name in on else axis
        keepdim = not {"keepdim-missing", "keepdim-missing-twice"} & on
        mean = 0.0 * x if "mean-kept" in on else x.mean(axis, keepdim=keepdim)
        centred = x - mean
        squared = x**2 if "uncentred-variance" in on else centred**2
        squares = (squared.sum if "squares-summed" in on else squared.mean)(axis, keepdim=keepdim)
        if "keepdim-missing" in on:
            squares = x.var(-1, correction=0)
        if "unbiased-variance" in on:
            count = centred.numel() // squares.numel()
            squares = squares * count / (count - 1)
        eps = 0.0 if "eps-missing" in on else 1e-5 if "eps-fixed" in on else eps
        if "eps-outside" in on:
            size = squares.sqrt() + eps if "root-missing" not in on else squares + eps
        else:
            size = (squares + eps).sqrt() if "root-missing" not in on else squares + eps
        y = mean / size if "bracket-missing" in on else centred / size
        if "weight-ignored" not in on:
            y = y * weight
        y = x - y if "bracket-missing" in on else y
        y = y if "bias-ignored" in on else y + bias
        if "input-changed" in on:
            given.copy_(centred)
        y = y.detach() if "gradient-cut" in on else y
        return y if "float64-returned" in on else y.to(given.dtype)

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


def as_many_tokens_as_numbers(solution: Any) -> Any:
    """Four tokens of four numbers, where a lost dimension fits all the same."""
    x = torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 1.0, 3.0], [2.0, -2.0, 1.0, 1.0], [0.0, 4.0, 0.0, 4.0]])
    return solution.layer_norm(x, torch.ones(4), torch.zeros(4))


def whether_kept(solution: Any) -> Any:
    """Whether x is what it was."""
    x = numbers(2, 3)
    before = x.clone()
    solution.layer_norm(x, torch.ones(3), torch.zeros(3))
    return {"x is left as it was": torch.equal(x, before)}


def batch(solution: Any) -> Any:
    """Two texts of five tokens, twelve numbers each."""
    return solution.layer_norm(numbers(2, 5, 12), numbers(12, seed=1) + 1.0, numbers(12, seed=2))


EXERCISE = exercise_in(
    __file__,
    title="LayerNorm",
    task="""\
A block works best on numbers of a known size. So before each half of it every token's C numbers are brought to
mean 0 and variance 1, each token by itself, and then scaled and shifted by numbers that are learned:

    y = (x - mean) / sqrt(variance + eps) * weight + bias

The mean and the variance are taken over the last dimension. Training will go back through what you write, so compute
with torch's functions, and on the tensors that you are given.""",
    symbols={"layer_norm": "nextword.model.plain:layer_norm"},
    hints=(
        "Compute the mean over the last dimension, and keep that dimension (keepdim=True), so that it can be "
        "subtracted from x.",
        "The variance is the mean of the squared distances from the mean.",
        "Divide by torch.sqrt(variance + eps), then multiply by weight and add bias.",
    ),
    reference=reference,
    probes=(
        Probe("two tokens of four numbers, weight 1 and bias 0", plain_row),
        Probe("two tokens with a weight and a bias that are not 1 and 0", scaled_and_shifted),
        Probe("a token whose variance is as small as eps", tiny_variance),
        Probe("an eps of 0.5", another_eps),
        Probe("two texts of five tokens of twelve numbers", batch),
        Probe("four tokens of four numbers", as_many_tokens_as_numbers),
        Probe("what becomes of x itself", whether_kept),
        Probe(
            "whether it can be trained through",
            lambda solution: trained_through(solution.layer_norm, numbers(2, 4), numbers(4), numbers(4)),
        ),
    ),
)
