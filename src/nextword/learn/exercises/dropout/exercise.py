"""Dropout: numbers are set to zero at random, so that the model leans on none of them."""

from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def share(found: Tensor) -> float:
    """The share of what is true, to two digits."""
    return round(float(found.double().mean()), 2)


def many(solution: Any, p: float, calls: int = 200) -> Tensor:
    """Results of many calls on ones: enough for each kind, even with one draw a call."""
    return torch.stack([torch.as_tensor(solution.drop(torch.ones(20, 20), p)) for _ in range(calls)])


def values(solution: Any) -> Any:
    """Which numbers ones become."""
    found = many(solution, 0.2).unique()
    return found if len(found) < 4 else "more than three different numbers"


def shares(solution: Any) -> Any:
    """Share of zeros for a small and for a large p, with tolerance for one draw a call."""
    return [Near(share(many(solution, p) == 0), 0.15) for p in (0.2, 0.7)]


def no_dropout(solution: Any) -> Any:
    """Whether p = 0 changes some numbers and others not. All of them change where p is taken for the share to keep,
    unless p = 0 is a case of its own: that is looked at elsewhere."""
    x = torch.arange(1.0, 101.0)
    changed = share(solution.drop(x.clone(), 0.0) != x)
    return 0.0 < changed < 1.0


def each_by_itself(solution: Any) -> Any:
    """Share of neighbours with the same fate, in each direction, of 300 x 300 numbers twice."""
    dropped = solution.drop(torch.ones(2, 300, 300), 0.4) == 0
    alike = {
        "in a token": dropped[:, :, 1:] == dropped[:, :, :-1],
        "in the next token": dropped[:, 1:] == dropped[:, :-1],
        "in the other text": dropped[1:] == dropped[:-1],
    }
    return {direction: Near(share(same), 0.2) for direction, same in alike.items()}


def twice(solution: Any) -> Any:
    """Whether all calls drop the same; more than two of them, for who draws once a call."""
    first, *others = many(solution, 0.3, calls=20)
    return all(torch.equal(first, other) for other in others)


def afterwards(solution: Any) -> Any:
    """x, after something was dropped from it."""
    x = torch.arange(1.0, 101.0)
    solution.drop(x, 0.5)
    return bool((x == torch.arange(1.0, 101.0)).all())


EXERCISE = exercise_in(
    __file__,
    title="Dropout",
    task="""\
While GPT-2 trains, some numbers are set to zero, chosen anew each time, so that it learns to lean on no single one.
Each number is dropped with probability p, and those that are kept are divided by 1 - p, so that the mean stays what it
was. Outside training p is 0, and nothing happens: that is decided by whoever calls.""",
    symbols={"drop": "nextword.model.plain:drop"},
    hints=(
        "torch.rand_like(x) gives each number a random one between 0 and 1.",
        "That is at least p with probability 1 - p: these are the numbers to keep.",
        "x * kept / (1 - p), where kept = torch.rand_like(x) >= p.",
    ),
    reference="rand",
    probes=(
        Probe("which numbers ones become with p = 0.2", values),
        Probe("the share of zeros with p = 0.2 and with p = 0.7", shares),
        Probe("whether p = 0 changes some of a hundred numbers", no_dropout),
        Probe("how many neighbours have the same lot with p = 0.4", each_by_itself),
        Probe("whether each call drops the same", twice),
        Probe("whether x is still what it was", afterwards),
    ),
)
