"""Softmax: from scores, which may be any numbers, to probabilities."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.fixtures.fixture import numbers, trained_through

MISTAKES = (
    Mistake(
        name="over-the-rows",
        equals="a softmax over the last dimension but one",
        remedy="Use the last dimension: -1.",
        why="In attention the last dimension is the keys that a query looks at, and the one before it the queries. "
        "Each query's weights must sum to 1, not each key's.",
    ),
    Mistake(
        name="over-dimension-0",
        equals="a softmax over the first dimension",
        remedy="Use the last dimension: -1, not 0.",
        why="The first dimension is the texts of a batch, which have nothing to do with each other.",
    ),
    Mistake(
        name="over-dimension-1",
        equals="a softmax over dimension 1, which is the last one of a matrix only",
        remedy="Use the last dimension whatever their number: -1, not 1.",
        why="With scores of the shape (B, H, T, S), dimension 1 is the heads.",
    ),
    Mistake(
        name="sum-of-everything",
        equals="a softmax that divides by the sum of the whole tensor",
        remedy="Sum over the last dimension only: e.sum(-1, keepdim=True).",
        why="Each row is to sum to 1, not all of them together.",
    ),
    Mistake(
        name="sum-without-keepdim",
        equals="a softmax whose sums lost their dimension, and so are matched with the columns",
        remedy="Keep the dimension: e.sum(-1, keepdim=True).",
        why="A sum of the shape (T,) is taken for a row. In a square matrix that fits, and divides each column by "
        "another row's sum, without an error.",
    ),
    Mistake(
        name="maximum-without-keepdim",
        equals="a softmax whose maxima lost their dimension, and so are matched with the columns",
        remedy="Keep the dimension: x.amax(-1, keepdim=True).",
        why="A maximum of the shape (T,) is taken for a row. In a square matrix that fits, and subtracts another "
        "number in each column, which does change the result.",
    ),
    Mistake(
        name="maximum-not-subtracted",
        equals="a softmax that overflows for large scores",
        remedy="Subtract the row's maximum before exp: x - x.amax(-1, keepdim=True).",
        why="In float32 exp(89) is infinite, and infinity divided by infinity is NaN. Subtracting the same number "
        "from all scores of a row changes nothing in the result.",
    ),
    Mistake(
        name="mean-subtracted",
        equals="a softmax that subtracts the mean instead of the maximum",
        remedy="Subtract the maximum: x - x.amax(-1, keepdim=True).",
        why="The largest score may be far above the mean and still overflow. And where some scores are -inf, as in a "
        "mask, the mean is -inf as well.",
    ),
    Mistake(
        name="maximum-of-everything",
        equals="a softmax that subtracts the maximum of the whole tensor",
        remedy="Subtract each row's own maximum: x.amax(-1, keepdim=True).",
        why="A row far below the tensor's maximum becomes all zeros, and 0 divided by 0 is NaN.",
    ),
    Mistake(
        name="log-softmax",
        equals="the logarithm of the softmax",
        remedy="Divide exp(x) by its sum; leave out the logarithm.",
        why="Log-softmax is what the loss wants. Attention wants weights between 0 and 1.",
    ),
    Mistake(
        name="exp-missing",
        equals="scores divided by their sum, without exp",
        remedy="Take exp first: e = torch.exp(...), then e / e.sum(-1, keepdim=True).",
        why="Scores may be negative, probabilities may not; exp makes all of them positive.",
    ),
    Mistake(
        name="not-divided",
        equals="exp of the scores, not divided by their sum",
        remedy="Divide by the sum of the row: e / e.sum(-1, keepdim=True).",
        why="Only then the numbers of a row sum to 1.",
    ),
    Mistake(
        name="sigmoid",
        equals="a sigmoid of each score by itself",
        remedy="Divide exp(x) by the sum of the row: e / e.sum(-1, keepdim=True).",
        why="A sigmoid turns each score into a probability of its own. Here the scores of a row compete.",
    ),
    Mistake(
        name="softmin",
        equals="a softmax of the negated scores",
        remedy="Take exp(x - maximum), not exp(maximum - x).",
        why="The highest score is to get the highest probability.",
    ),
    Mistake(
        name="input-changed",
        equals="a softmax that changes the scores it is given",
        remedy="Make a new tensor: x = x - ..., not x -= ..., and no functions that end in an underscore.",
        why="The scores belong to the caller. Gradients may need them, and then backward fails far away from here.",
    ),
    Mistake(
        name="not-divided-by-the-sum",
        equals="exp(x - maximum), which is not divided by its sum",
        remedy="Divide by the sum of the row: e / e.sum(-1, keepdim=True).",
        why="The largest becomes 1 and the others are in proportion, but they do not sum to 1.",
    ),
    Mistake(
        name="float64-returned",
        equals="a softmax that gives back float64 for float32",
        remedy="Give back the type that came in: leave out .double() and numpy's own numbers, or end with "
        ".to(x.dtype).",
        why="numpy makes float64 easily. The weights that come next are float32, and PyTorch refuses to "
        "multiply the two, far from here.",
    ),
    Mistake(
        name="gradient-cut",
        equals="a softmax that no gradient passes through",
        remedy="Compute with torch's functions on x itself: no .numpy(), .item(), .tolist(), .detach() or .data.",
        why="The numbers are right, but training has to go back through every step that made them, and stops here.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Softmax in float64, with these mistakes."""

    def softmax(x: Tensor) -> Tensor:
        y = in_float64(x)
        y = y.detach() if "gradient-cut" in on else y
        return y if "float64-returned" in on else y.to(x.dtype)

    def in_float64(x: Tensor) -> Tensor:
        given, x = x, -x.double() if "softmin" in on else x.double()
        axis = -1
        for name, other in (("over-the-rows", -2), ("over-dimension-0", 0), ("over-dimension-1", 1)):
            axis = other if name in on else axis
        if "sigmoid" in on:
            return x.sigmoid()
        if "exp-missing" in on:
            return x / x.sum(axis, keepdim=True)
        highest = x.amax(axis, keepdim="maximum-without-keepdim" not in on)
        if "mean-subtracted" in on:
            highest = x.mean(axis, keepdim=True)
        if "maximum-of-everything" in on:
            highest = x.amax()
        if "maximum-not-subtracted" in on:
            highest = torch.zeros(())
        if "input-changed" in on:
            given -= given.amax(-1, keepdim=True)
        e = torch.exp(x - highest)
        total = e.sum() if "sum-of-everything" in on else e.sum(axis, keepdim="sum-without-keepdim" not in on)
        if "not-divided" in on:
            return torch.exp(x)
        if "not-divided-by-the-sum" in on:
            return e
        return torch.log(e / total) if "log-softmax" in on else e / total

    return SimpleNamespace(softmax=softmax)


def scores(*rows: tuple[float, ...]) -> Probe:
    """The probabilities of a matrix of scores."""
    return Probe(f"the scores {list(map(list, rows))}", lambda solution: solution.softmax(torch.tensor(rows)))


def masked(solution: Any) -> Any:
    """Scores of which some are hidden, as in attention."""
    hidden = float("-inf")
    return solution.softmax(torch.tensor([[0.5, hidden, hidden], [1.0, -1.0, hidden], [0.0, 2.0, 1.0]]))


def four_dimensions(solution: Any) -> Any:
    """The shape that attention has: no two sizes alike."""
    return solution.softmax(2.0 * numbers(2, 3, 4, 5))


def whether_kept(solution: Any) -> Any:
    """Whether the scores are what they were."""
    x = numbers(2, 3)
    before = x.clone()
    solution.softmax(x)
    return {"the scores are left as they were": torch.equal(x, before)}


EXERCISE = Exercise(
    name="softmax",
    title="Softmax",
    task="""\
Twice GPT-2 has scores and wants shares: in attention, of how much to take from each earlier token, and at the end, of
how likely each token is the next one. Softmax makes the scores of a row positive by exp, and divides by their sum:

    softmax(x)_i = exp(x_i) / sum_j exp(x_j)

It works on the last dimension, whatever others there are. And scores may be large: exp(89) is too much for float32. But
the same number may be subtracted from all scores of a row without changing the result, so let the largest become 0.

A score of minus infinity gets a share of 0: so a later exercise will hide tokens. And training will go back through
what you write, so compute with torch's functions.""",
    symbols={"softmax": "nextword.model.plain:softmax"},
    stub='''
import torch
from torch import Tensor


def softmax(x: Tensor) -> Tensor:
    """@softmax"""
    ...
''',
    hints=(
        "First without care for large scores: torch.exp(x), divided by its sum over the last dimension.",
        "keepdim=True keeps a dimension of size 1 where the sum was taken, so that rows are divided by their own sum.",
        "Now subtract x.amax(-1, keepdim=True) before exp.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        scores((1.0, 2.0, 4.0), (0.0, -1.0, 0.0)),
        scores((1.0, 0.0, 3.0), (0.5, 2.0, 2.0), (0.0, -1.0, 1.0)),
        scores((1000.0, 1001.0, 999.0), (-1.0, 0.0, 1.0)),
        scores((0.0, 1.0, 2.0), (-2000.0, -2001.0, -2003.0)),
        Probe("scores of which some are -inf", masked),
        Probe("scores of the shape (2, 3, 4, 5)", four_dimensions),
        Probe("what becomes of the scores themselves", whether_kept),
        Probe("whether it can be trained through", lambda solution: trained_through(solution.softmax, numbers(2, 3))),
    ),
)
