"""Muon: a step of the same size in each of a matrix's directions."""

from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in
from nextword.learn.fixtures.fixture import numbers


def moved(solution: Any, rows: int, columns: int, steps: int, lr: float = 0.1) -> Tensor:
    """Change of a matrix after some steps, each with a gradient of its own, in units of lr."""
    weight, momentum = numbers(rows, columns, seed=7), torch.zeros(rows, columns)
    before = weight.clone()
    for step in range(steps):
        solution.muon_step(weight, numbers(rows, columns, seed=step), momentum, lr)
    return (weight - before) / lr


def square(solution: Any) -> Any:
    """Two rows, two columns."""
    return solution.orthogonal(torch.tensor([[2.0, 1.0], [0.0, 1.0]]))


def wide(solution: Any) -> Any:
    """Two rows, three columns."""
    return solution.orthogonal(numbers(2, 3))


def tall(solution: Any) -> Any:
    """Four rows, three columns."""
    return solution.orthogonal(numbers(4, 3))


def large(solution: Any) -> Any:
    """The same direction, and a thousand times as long."""
    return solution.orthogonal(1000.0 * numbers(3, 3))


def nothing(solution: Any) -> Any:
    """Zeros have no direction."""
    return solution.orthogonal(torch.zeros(2, 2))


def first_step(solution: Any) -> Any:
    """From a momentum of zeros."""
    return moved(solution, 3, 3, 1)


def third_step(solution: Any) -> Any:
    """Momentum is there by now."""
    return moved(solution, 3, 3, 3) - moved(solution, 3, 3, 2)


def of_wide(solution: Any) -> Any:
    """Three rows, eight columns."""
    return moved(solution, 3, 8, 1)


def of_tall(solution: Any) -> Any:
    """Eight rows, two columns."""
    return moved(solution, 8, 2, 1)


def given(solution: Any) -> Any:
    """Whether gradient and matrix are left as they were."""
    gradient, matrix, weight = numbers(3, 3), numbers(2, 2), numbers(3, 3, seed=7)
    solution.muon_step(weight, gradient, torch.zeros(3, 3), 0.1)
    solution.orthogonal(matrix)
    return {"the gradient": torch.equal(gradient, numbers(3, 3)), "the matrix": torch.equal(matrix, numbers(2, 2))}


EXERCISE = exercise_in(
    __file__,
    title="Muon",
    task="""\
AdamW looks at each number of a matrix by itself. Muon takes the matrix as a whole: it moves along the momentum, with
all singular values made (nearly) equal, so that no direction is left behind. Five iterations of products are enough:

    X = M / |M|                          (the root of the sum of all squares)
    five times: A = X X'
                X = 3.4445 X - 4.775 A X + 2.0315 A A X

One step of a weight (m, n), in place, with its momentum, in place:

    momentum = 0.95 momentum + 0.05 gradient
    weight = weight - lr 0.2 sqrt(max(m, n)) orthogonal(0.95 momentum + 0.05 gradient)

A matrix of zeros gives zeros. gradient stays as it is. There is no weight decay here.""",
    symbols={
        "orthogonal": "nextword.train.plain:orthogonal",
        "muon_step": "nextword.train.plain:muon_step",
    },
    hints=(
        "matrix.norm() is the root of the sum of all squares; add 1e-7, so that zeros are not divided by zero.",
        "momentum.mul_(0.95).add_(0.05 * gradient) changes the caller's tensor; momentum = ... would make a new one.",
        "The formula for the step looks ahead: the momentum that was just changed, times 0.95, plus the gradient, "
        "times 0.05. weight.sub_(...) moves the weight in place; max(weight.shape) is the longer side.",
    ),
    reference="by_formula",
    probes=(
        Probe("orthogonal of [[2, 1], [0, 1]]", square),
        Probe("orthogonal of two rows and three columns", wide),
        Probe("orthogonal of four rows and three columns", tall),
        Probe("orthogonal of three rows and columns, of numbers in the thousands", large),
        Probe("orthogonal of zeros", nothing),
        Probe("how three rows and columns move in the first step, in units of lr", first_step),
        Probe("how they move in the third step", third_step),
        Probe("how three rows and eight columns move in the first step", of_wide),
        Probe("how eight rows and two columns move in the first step", of_tall),
        Probe("whether what is only read stays as it was", given),
    ),
)
