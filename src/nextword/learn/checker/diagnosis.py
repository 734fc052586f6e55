"""Diagnose an answer: search for the mistakes with which the reference gives the same results in all probes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Any, Literal

import torch

from nextword.learn.checker.comparing import Raised, attempt, default_dtype, explains, same
from nextword.learn.checker.exercise import RIGHT, Exercise, Mistake, Mistakes

PAIR_SECONDS = 6.0
"""How long to search for mistakes that only together explain an answer."""

MORE = (3, 4, 5)
"""How many mistakes at once to look for, besides two: only among those that alone explain something that went wrong."""


@dataclass(frozen=True)
class Difference:
    """A probe in which an answer and the right one do not agree."""

    probe: str
    yours: Any
    right: Any


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about an answer.

    status: "passed"; "unfinished", where a stub is still in it; "error", where
    it raises wherever it is tried; "wrong" otherwise. mistakes: those that
    explain all that was seen; none where nothing does. differences: the probes
    that went wrong, the smallest first.
    """

    status: Literal["passed", "unfinished", "error", "wrong"]
    mistakes: tuple[Mistake, ...] = ()
    differences: tuple[Difference, ...] = field(default=(), repr=False)
    n_probes: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The mistakes' names."""
        return tuple(mistake.name for mistake in self.mistakes)


def diagnose(exercise: Exercise, solution: Any, pair_seconds: float = PAIR_SECONDS) -> Diagnosis:
    """Try a solution, an object with the exercise's symbols, and explain what is wrong with it."""
    seen = observe(exercise, solution)
    right = expected(exercise, RIGHT)
    differences = tuple(
        Difference(probe.name, yours, ours)
        for probe, yours, ours in zip(exercise.probes, seen, right, strict=True)
        if not same(yours, ours)
    )
    if not differences:
        return Diagnosis("passed", n_probes=len(seen))
    if any(isinstance(value, Raised) and value.unfinished for value in seen):
        return Diagnosis("unfinished", (), differences, len(seen))
    if all(isinstance(value, Raised) for value in seen):
        return Diagnosis("error", (), differences, len(seen))
    found = explanation(exercise, seen, pair_seconds)
    return Diagnosis("wrong", tuple(exercise.mistake(name) for name in found), differences, len(seen))


def observe(exercise: Exercise, solution: Any) -> list[Any]:
    """Run each of the exercise's probes on a solution."""
    return [attempt(probe.run, solution) for probe in exercise.probes]


def expected(exercise: Exercise, mistakes: Mistakes) -> list[Any]:
    """Run each probe on the reference with these mistakes. Kept, for the next answer."""
    if mistakes not in exercise.expectations:
        with default_dtype(torch.float64):
            exercise.expectations[mistakes] = observe(exercise, exercise.reference(mistakes))
    return exercise.expectations[mistakes]


def explanation(exercise: Exercise, seen: list[Any], pair_seconds: float) -> tuple[str, ...]:
    """Find the one mistake, or else the few, that explain every probe's result; () if none do."""
    for mistake in exercise.mistakes:
        causes = expected(exercise, frozenset({mistake.name}))
        if all(explains(*three) for three in zip(causes, seen, expected(exercise, RIGHT), strict=True)):
            return (mistake.name,)
    for mistake in exercise.inner:
        if agrees(exercise, seen, frozenset({mistake.name})):
            return (mistake.name,)
    end = time.monotonic() + pair_seconds
    right = [same(a, b) for a, b in zip(seen, expected(exercise, RIGHT), strict=True)]
    matched, evident = {}, []
    for mistake in exercise.mistakes:
        causes = expected(exercise, frozenset({mistake.name}))
        agreed = [explains(*three) for three in zip(causes, seen, expected(exercise, RIGHT), strict=True)]
        matched[mistake.name] = sum(agreed)
        if any(agrees and not was_right for agrees, was_right in zip(agreed, right, strict=True)):
            evident.append(mistake.name)
    for few in chain(likely_pairs(matched), *(combinations(evident, n) for n in MORE)):
        if time.monotonic() > end:
            break
        if agrees(exercise, seen, frozenset(few)):
            return few
    return ()


def likely_pairs(matched: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Order all pairs of mistakes by the number of probes in which each agreed."""
    pairs = combinations(matched, 2)
    yield from sorted(pairs, key=lambda pair: -matched[pair[0]] - matched[pair[1]])


def agrees(exercise: Exercise, seen: list[Any], mistakes: Mistakes) -> bool:
    """Test whether the reference with these mistakes agrees in every probe; stops at the first probe where not."""
    threes = zip(exercise.probes, seen, expected(exercise, RIGHT), strict=True)
    with default_dtype(torch.float64):
        try:
            solution = exercise.reference(mistakes)
        except Exception:  # two mistakes that cannot be made together
            return False
        return all(explains(attempt(probe.run, solution), value, right) for probe, value, right in threes)
