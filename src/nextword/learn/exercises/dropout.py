"""Dropout: numbers are set to zero at random, so that the model leans on none of them."""

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from nextword.learn.checker.comparing import Near
from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe

MISTAKES = (
    Mistake(
        name="unscaled",
        equals="dropout that does not scale up what is kept",
        remedy="Divide what is kept by 1 - p.",
        why="Without dropout the model would then be given larger numbers than those it was trained with.",
    ),
    Mistake(
        name="scaled-down",
        equals="dropout that multiplies by 1 - p what it should divide by it",
        remedy="Divide what is kept by 1 - p: that makes up for what is lost.",
        why="Of the share 1 - p that is kept, each number has to become 1 / (1 - p) times as large. "
        "Multiplying belongs to the older form, in which the finished model is scaled down.",
    ),
    Mistake(
        name="divided-by-p",
        equals="dropout that divides what is kept by p",
        remedy="Divide by the share that is kept, 1 - p.",
        why="With p = 0.5 both are the same; with GPT-2's 0.1 numbers grow tenfold.",
    ),
    Mistake(
        name="share-reversed",
        equals="dropout that drops 1 - p and scales for p",
        remedy="Keep where torch.rand(...) >= p: that is so with probability 1 - p.",
        why="rand() < p is true with probability p. With p = 0.5 nothing shows.",
    ),
    Mistake(
        name="p-is-kept",
        equals="dropout by which p is the share that is kept",
        remedy="p is the share that is dropped: keep with probability 1 - p, and divide by 1 - p.",
        why="The paper of 2014 and old TensorFlow mean the share that is kept; PyTorch and GPT-2 mean what is dropped.",
    ),
    Mistake(
        name="whole-tokens",
        equals="dropout that drops whole tokens: one draw for all numbers of a row",
        remedy="Draw for each number by itself: a random tensor of x's full shape, torch.rand_like(x).",
        why="A draw of shape (..., 1) is broadcast along the row.",
    ),
    Mistake(
        name="whole-columns",
        equals="dropout that drops the same numbers of every token: one draw for all rows",
        remedy="Draw for each number by itself: a random tensor of x's full shape, torch.rand_like(x).",
        why="A draw of shape (C,) is broadcast over tokens and texts.",
    ),
    Mistake(
        name="same-for-all-texts",
        equals="dropout that draws once for all texts of a batch",
        remedy="Draw for each number by itself: a random tensor of x's full shape, torch.rand_like(x).",
        why="A draw of shape (T, C) is broadcast over the texts: a larger batch then averages out less of the noise.",
    ),
    Mistake(
        name="p-ignored",
        equals="dropout that does not use p: it always drops half",
        remedy="Give p on: 0.5 is only PyTorch's default.",
        why="nn.Dropout() and F.dropout(x) take 0.5. GPT-2 drops 0.1, and nothing where p = 0.",
    ),
    Mistake(
        name="nothing-dropped",
        equals="an answer that drops nothing",
        remedy="Drop always: whether the model is in training is decided outside, where p is 0 if it is not.",
        why="F.dropout(x, p, training=False) gives x back. The training loss falls faster, and the model overfits.",
    ),
    Mistake(
        name="noise-added",
        equals="noise that is added to each number, instead of zeros",
        remedy="Multiply by a mask of zeros and ones: torch.rand_like(x) >= p.",
        why="Noise that is added stays small beside large numbers. Dropout takes a number away altogether.",
    ),
    Mistake(
        name="same-each-time",
        equals="dropout that drops the same numbers at every call",
        remedy="Set no seed inside the function, and draw anew at each call.",
        why="What is always dropped is not noise: those weights are never used in training, and are used afterwards.",
    ),
    Mistake(
        name="in-place",
        equals="dropout that changes x itself",
        remedy="Return a new tensor: x * kept / (1 - p), not x *= kept or x[dropped] = 0.",
        why="Who called still has x, and may add it to something or need it for the gradient.",
    ),
    Mistake(
        name="scaled-only",
        equals="numbers divided by 1 - p of which none is dropped",
        remedy="Multiply by a mask of zeros and ones first: x * (torch.rand_like(x) >= p) / (1 - p).",
        why="Dividing by 1 - p makes up for what was dropped. Where nothing was, all numbers are just too large.",
    ),
    Mistake(
        name="one-draw",
        equals="dropout that draws once for the whole tensor: it keeps everything or nothing",
        remedy="Draw for each number by itself: a random tensor of x's full shape, torch.rand_like(x).",
        why="random.random() or torch.rand(1) is one number. Dropout leaves some numbers out, never all at once.",
    ),
)


def reference(on: Mistakes) -> Any:
    """Dropout in float64, with these mistakes."""

    def drop(x: Tensor, p: float) -> Tensor:
        given, x = x, x.double()
        p = 0.5 if "p-ignored" in on else p
        if p == 0.0 or "nothing-dropped" in on:
            return x
        if "scaled-only" in on:
            return x / (1.0 - p)
        if "noise-added" in on:
            return x + p * torch.randn_like(x)
        kept_share = p if {"share-reversed", "p-is-kept"} & on else 1.0 - p
        shape = list(x.shape)
        if "whole-tokens" in on:
            shape[-1] = 1
        if "whole-columns" in on:
            shape[:-1] = [1] * (x.dim() - 1)
        if "one-draw" in on:
            shape = [1] * x.dim()
        if "same-for-all-texts" in on:
            shape[0] = 1
        generator = torch.Generator()
        generator.manual_seed(0 if "same-each-time" in on else int(torch.randint(2**60, ())))
        kept = torch.rand(shape, generator=generator, dtype=torch.float64) < kept_share
        scales = {"unscaled": 1.0, "scaled-down": 1.0 - p, "divided-by-p": 1 / p, "p-is-kept": 1 / p}
        y = x * kept * next((scales[name] for name in scales if name in on), 1.0 / (1.0 - p))
        if "in-place" in on:
            given.copy_(y)
        return y

    return SimpleNamespace(drop=drop)


def share(found: Tensor) -> float:
    """The share of what is true, to two digits."""
    return round(float(found.double().mean()), 2)


def many(solution: Any, p: float, calls: int = 200) -> Tensor:
    """What many calls make of some ones: so many that each kind occurs, even for who draws once a call."""
    return torch.stack([torch.as_tensor(solution.drop(torch.ones(20, 20), p)) for _ in range(calls)])


def values(solution: Any) -> Any:
    """Which numbers ones become."""
    found = many(solution, 0.2).unique()
    return found if len(found) < 4 else "more than three different numbers"


def shares(solution: Any) -> Any:
    """The share of zeros for a small and for a large p; the tolerance is for who draws once a call."""
    return [Near(share(many(solution, p) == 0), 0.15) for p in (0.2, 0.7)]


def no_dropout(solution: Any) -> Any:
    """Whether p = 0 changes some numbers and others not. All of them change where p is taken for the share to keep,
    unless p = 0 is a case of its own: that is looked at elsewhere."""
    x = torch.arange(1.0, 101.0)
    changed = share(solution.drop(x.clone(), 0.0) != x)
    return 0.0 < changed < 1.0


def each_by_itself(solution: Any) -> Any:
    """Two texts of 300 tokens of 300 numbers: which share of the neighbours in each direction have the same lot."""
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


EXERCISE = Exercise(
    name="dropout",
    title="Dropout",
    task="""\
While GPT-2 trains, some numbers are set to zero, chosen anew each time, so that it learns to lean on no single one.
Each number is dropped with probability p, and those that are kept are divided by 1 - p, so that the mean stays what it
was. Outside training p is 0, and nothing happens: that is decided by whoever calls.""",
    symbols={"drop": "nextword.model.plain:drop"},
    stub='''
import torch
from torch import Tensor


def drop(x: Tensor, p: float) -> Tensor:
    """@drop"""
    ...
''',
    hints=(
        "torch.rand_like(x) gives each number a random one between 0 and 1.",
        "That is at least p with probability 1 - p: these are the numbers to keep.",
        "x * kept / (1 - p), where kept = torch.rand_like(x) >= p.",
    ),
    mistakes=MISTAKES,
    reference=reference,
    probes=(
        Probe("which numbers ones become with p = 0.2", values),
        Probe("the share of zeros with p = 0.2 and with p = 0.7", shares),
        Probe("whether p = 0 changes some of a hundred numbers", no_dropout),
        Probe("how many neighbours have the same lot with p = 0.4", each_by_itself),
        Probe("whether each call drops the same", twice),
        Probe("whether x is still what it was", afterwards),
    ),
)
