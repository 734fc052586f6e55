"""LayerNorm: bring every token's numbers to mean 0 and variance 1."""

from typing import Any

import torch

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers, trained_through


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
    """Whether x is unchanged."""
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
    reference="formula",
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
