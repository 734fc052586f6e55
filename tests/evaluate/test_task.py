"""Measures, their intervals, and differences of models on the same items."""

import numpy as np
import pytest

from nextword.evaluate.task import Measure, bits_of, difference, exponential_of, grouped_sums, mean_of, results

ACCURACY = Measure("accuracy", mean_of("correct"), percent=True)


def answers(n: int, share: float, seed: int = 0) -> list[dict[str, float]]:
    right = np.random.default_rng(seed).random(n) < share
    return [{"count": 1.0, "correct": float(one)} for one in right]


def test_the_interval_is_that_of_the_normal_approximation():
    """Of a share p of n, the standard error is sqrt(p (1 - p) / n)."""
    rows = answers(1000, 0.3)
    [found] = results([ACCURACY], rows)
    p = np.mean([row["correct"] for row in rows])
    assert found.value == pytest.approx(p)
    half = 1.96 * np.sqrt(p * (1 - p) / 1000)
    assert (found.low, found.high) == (pytest.approx(p - half, abs=0.004), pytest.approx(p + half, abs=0.004))


def test_more_items_than_are_drawn_among_have_the_same_interval():
    [found] = results([ACCURACY], answers(50_000, 0.5))
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(50_000), rel=0.1)


def test_a_model_that_is_a_little_better_everywhere_is_surely_better():
    """Its items are paired, so that what all of them vary by is no matter."""
    hard = np.random.default_rng(1).normal(3, 1, 200)
    a = [{"count": 1.0, "nll": float(x)} for x in hard]
    b = [{"count": 1.0, "nll": float(x) - 0.05} for x in hard]
    loss = Measure("loss", mean_of("nll"))
    value, low, high = difference(loss, b, a)
    assert (value, low, high) == (pytest.approx(-0.05), pytest.approx(-0.05), pytest.approx(-0.05))
    [one], [other] = results([loss], a), results([loss], b)
    assert one.low < other.high  # each by itself, they could be one


def test_groups_are_drawn_whole():
    rows = [{"group": float(i // 10), "count": 1.0, "correct": float(i // 10 % 2)} for i in range(400)]
    assert {name: len(sums) for name, sums in grouped_sums(rows).items()} == {"count": 40, "correct": 40}
    [found] = results([ACCURACY], rows)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(40), rel=0.1)


def test_perplexity_and_bits():
    sums = {"nll": np.array([6.0]), "tokens": np.array([3.0]), "bytes": np.array([12.0])}
    assert exponential_of("nll", "tokens")(sums)[0] == pytest.approx(np.e**2)
    assert bits_of("nll", "bytes")(sums)[0] == pytest.approx(0.5 / np.log(2))
    assert exponential_of("nll", "tokens")(sums | {"nll": np.array([1e6])})[0] < np.inf
