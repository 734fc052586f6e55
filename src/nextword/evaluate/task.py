"""A task: items to score a model on, and the measures that are made of its scores."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.evaluate.scoring import Request, Score

Outcome = dict[str, float]
"""What an item adds to the sums that measures are made of, by name; `group`, if there, is what is drawn as one."""

Sums = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Published:
    """A published value of the official model, with its source."""

    value: float
    source: str


@dataclass(frozen=True)
class Measure:
    """A figure such as accuracy, as a function of the outcomes' sums.

    percent: whether it is a share. low_is_good: as losses are. known: what was published of gpt2, the 124M.
    """

    name: str
    of: Callable[[Sums], NDArray[np.float64]]
    percent: bool = False
    low_is_good: bool = False
    known: tuple[Published, ...] = ()


class Task(ABC):
    """Some items to score, for a model whose tokenizer is known.

    name: as the command line has it. protocol: by which of its customs, in one word. about: what that means, in a
    sentence or two. unit: what its items are, in the plural.
    """

    name: str
    protocol: str
    about: str
    unit: str

    @property
    @abstractmethod
    def n_items(self) -> int:
        """Count the items."""

    @abstractmethod
    def request(self, item: int) -> Request:
        """Make the request of an item: a text, and the continuations to score."""

    @abstractmethod
    def outcome(self, item: int, scores: tuple[Score, ...]) -> Outcome:
        """Make of an item's scores what is summed up. `count` is the number of items, 1."""

    @property
    @abstractmethod
    def measures(self) -> tuple[Measure, ...]:
        """List the measures, the most important first; the protocol decides on them alone."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Identify the data."""


def mean_of(name: str, of: str = "count") -> Callable[[Sums], NDArray[np.float64]]:
    """Make the quotient of two sums."""
    return lambda sums: sums[name] / sums[of]


def exponential_of(name: str, of: str = "count") -> Callable[[Sums], NDArray[np.float64]]:
    """Make a perplexity: the exponential of a quotient of two sums."""
    return lambda sums: np.exp(np.minimum(sums[name] / sums[of], 700.0))  # a float64 ends a little above


def bits_of(name: str, of: str) -> Callable[[Sums], NDArray[np.float64]]:
    """Make bits of nats: a quotient of two sums, by the logarithm of two."""
    return lambda sums: sums[name] / (sums[of] * math.log(2.0))


@dataclass(frozen=True)
class Result:
    """A measure's value, and where it lies with 95 percent if other items had been drawn."""

    measure: Measure
    value: float
    low: float
    high: float


RESAMPLES = 2000

MOST_GROUPS = 2000
"""Groups to draw among; of more, some are put together and drawn as one."""


def results(measures: Sequence[Measure], outcomes: Sequence[Outcome]) -> list[Result]:
    """Compute measures, with bootstrap intervals over the outcomes' groups.

    Source: Efron, "Bootstrap Methods: Another Look at the Jackknife" (1979); the intervals are the percentiles.
    """
    columns = grouped_sums(outcomes)
    whole = {name: values.sum(keepdims=True) for name, values in columns.items()}
    drawn = {name: weights(len(values)) @ values for name, values in columns.items()}
    found = []
    for measure in measures:
        value = float(measure.of(whole)[0])
        low, high = np.percentile(measure.of(drawn), (2.5, 97.5))
        found.append(Result(measure, value, float(low), float(high)))
    return found


def difference(measure: Measure, outcomes: Sequence[Outcome], others: Sequence[Outcome]) -> tuple[float, float, float]:
    """Compute how much higher a measure is for the first outcomes, of the same items. -> value, low, high."""
    both = [grouped_sums(rows) for rows in (outcomes, others)]
    whole = [measure.of({name: values.sum(keepdims=True) for name, values in columns.items()}) for columns in both]
    drawn = [measure.of({name: weights(len(values)) @ values for name, values in columns.items()}) for columns in both]
    low, high = np.percentile(drawn[0] - drawn[1], (2.5, 97.5))
    return float((whole[0] - whole[1])[0]), float(low), float(high)


def grouped_sums(outcomes: Sequence[Outcome]) -> dict[str, NDArray[np.float64]]:
    """Sum up the outcomes of each group: by name (G,). Outcomes without a group are one each."""
    groups: dict[Any, int] = {}
    places = [groups.setdefault(row.get("group", ("alone", i)), len(groups)) for i, row in enumerate(outcomes)]
    n = min(MOST_GROUPS, len(groups))
    names = [name for name in outcomes[0] if name != "group"]
    return {
        name: np.bincount([place % n for place in places], [row[name] for row in outcomes], n).astype(np.float64)
        for name in names
    }


def weights(n: int) -> NDArray[np.float64]:
    """Draw how often each of n groups comes into each sample: (RESAMPLES, n), the same for the same n."""
    return np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), RESAMPLES).astype(np.float64)
