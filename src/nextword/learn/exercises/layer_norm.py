"""LayerNorm: bring every token's numbers to mean 0 and variance 1."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers, trained_through

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
    Mistake(
        name="axis-0",
        equals="a LayerNorm over the first dimension",
        remedy="Take mean and variance over the last dimension: x.mean(-1, keepdim=True), not x.mean(0, ...).",
        why="The first dimension is the texts of a batch, or its tokens. Each token is normalised by itself.",
    ),
    Mistake(
        name="axis-1",
        equals="a LayerNorm over dimension 1, which is the last one of a matrix only",
        remedy="Take mean and variance over the last dimension, however many there are: -1, not 1.",
        why="x is (B, T, C) in the model, where dimension 1 is the tokens: a token would see what comes after it.",
    ),
    Mistake(
        name="keepdim-missing",
        equals="a LayerNorm whose means and variances lost their dimension",
        remedy="Keep the dimension: x.mean(-1, keepdim=True), and the same for the variance.",
        why="A mean of the shape (T,) is taken for a row. Mostly the sizes do not fit and PyTorch says so; "
        "with as many tokens as numbers they do, and each column is given the mean of another token.",
    ),
    Mistake(
        name="keepdim-missing-twice",
        equals="a LayerNorm whose means lost their dimension, and whose variances are taken from what was left",
        remedy="Keep the dimension: x.mean(-1, keepdim=True), and the same for the variance.",
        why="A mean of the shape (T,) is taken for a row. Mostly the sizes do not fit and PyTorch says so; "
        "with as many tokens as numbers they do, and each column is given the mean of another token.",
    ),
    Mistake(
        name="squares-summed",
        equals="a LayerNorm that divides by the root of the sum of squares, not of their mean",
        remedy="The variance is a mean: ((x - mean) ** 2).mean(-1, keepdim=True).",
        why="A sum grows with C. All numbers come out sqrt(C) times too small.",
    ),
    Mistake(
        name="uncentred-variance",
        equals="a LayerNorm whose variance is the mean of x ** 2",
        remedy="Subtract the mean before squaring: ((x - mean) ** 2).mean(-1, keepdim=True).",
        why="The variance is the mean distance from the mean, squared. Where the mean is near 0 the two are "
        "nearly the same.",
    ),
    Mistake(
        name="bracket-missing",
        equals="x - mean / sqrt(variance + eps) * weight: the bracket around x - mean is missing",
        remedy="Put x - mean into brackets: (x - mean) / torch.sqrt(variance + eps).",
        why="A division binds before a difference, so that only the mean is divided.",
    ),
    Mistake(
        name="eps-fixed",
        equals="a LayerNorm that always takes 1e-5, whatever eps is",
        remedy="Use the argument eps, not the number.",
        why="The default hides it until somebody needs another eps: some checkpoints do.",
    ),
    Mistake(
        name="input-changed",
        equals="a LayerNorm that changes the x it is given",
        remedy="Make a new tensor: x = x - mean, not x -= mean.",
        why="The block still needs its x: it adds to it what attention found in the normalised copy.",
    ),
    Mistake(
        name="float64-returned",
        equals="a LayerNorm that gives back float64 for float32",
        remedy="Give back the type that came in: leave out .double(), or end with .to(x.dtype).",
        why="numpy makes float64 easily. The weights that come next are float32, and PyTorch refuses to "
        "multiply the two, far from here.",
    ),
    Mistake(
        name="gradient-cut",
        equals="a LayerNorm that no gradient passes through, or not to all of x, weight and bias",
        remedy="Compute with torch's functions on x, weight and bias themselves and no copies: no .numpy(), "
        ".item(), .tolist(), .detach() or .data.",
        why="The numbers are right, but training has to go back through every step that made them, and stops here.",
    ),
)


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


EXERCISE = Exercise(
    name="layer_norm",
    title="LayerNorm",
    task="""\
A block works best on numbers of a known size. So before each half of it every token's C numbers are brought to
mean 0 and variance 1, each token by itself, and then scaled and shifted by numbers that are learned:

    y = (x - mean) / sqrt(variance + eps) * weight + bias

The mean and the variance are taken over the last dimension. Training will go back through what you write, so compute
with torch's functions, and on the tensors that you are given.""",
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
        Probe("four tokens of four numbers", as_many_tokens_as_numbers),
        Probe("what becomes of x itself", whether_kept),
        Probe(
            "whether it can be trained through",
            lambda solution: trained_through(solution.layer_norm, numbers(2, 4), numbers(4), numbers(4)),
        ),
    ),
)
