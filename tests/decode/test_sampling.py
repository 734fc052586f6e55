"""Choosing the next token, against counts, plain loops and transformers' warpers."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.decode import Sampling
from nextword.decode.sampling import keep_top_k, keep_top_p

LOGITS = torch.tensor([[1.0, 3.0, 2.0, -1.0, 0.0]])


def kept(logits: Tensor) -> list[list[int]]:
    """Which ids are still allowed, row by row."""
    return [row.isfinite().nonzero().flatten().tolist() for row in logits]


def test_greedy_takes_the_likeliest_of_each_row() -> None:
    rows = torch.tensor([[0.0, 5.0, 1.0], [9.0, 5.0, 1.0]])
    assert Sampling(temperature=0)(rows).tolist() == [1, 0]
    assert Sampling(temperature=0).probabilities(rows).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_temperature_divides_the_logits() -> None:
    p = Sampling(temperature=2.0, top_k=None).probabilities(LOGITS)[0].tolist()
    exps = [math.exp(logit / 2.0) for logit in LOGITS[0].tolist()]
    assert p == pytest.approx([e / sum(exps) for e in exps], rel=1e-5)


def test_a_tiny_temperature_is_greedy_and_never_nan() -> None:
    p = Sampling(temperature=1e-38, top_k=None).probabilities(LOGITS * 100)
    assert p.tolist() == [[0, 1, 0, 0, 0]]


def test_draws_have_the_frequencies_of_the_probabilities() -> None:
    sampling = Sampling(temperature=1.0, top_k=3)
    draws = sampling(LOGITS.expand(20_000, 5), torch.Generator().manual_seed(0))
    frequencies = draws.bincount(minlength=5) / 20_000
    exps = [math.exp(1), math.exp(3), math.exp(2), 0.0, 0.0]
    assert frequencies.tolist() == pytest.approx([e / sum(exps) for e in exps], abs=0.015)


def test_the_same_seed_draws_the_same() -> None:
    draw = [Sampling(1.0)(LOGITS.expand(50, 5), torch.Generator().manual_seed(s)).tolist() for s in (1, 1, 2)]
    assert draw[0] == draw[1] != draw[2]


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1]), (2, [1, 2]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (99, [0, 1, 2, 3, 4])]
)
def test_top_k_keeps_the_k_likeliest_and_all_where_k_is_larger_than_v(k: int, expected: list[int]) -> None:
    assert kept(keep_top_k(LOGITS, k)) == [expected]


def test_top_k_keeps_exactly_k_among_equals() -> None:
    assert len(kept(keep_top_k(torch.zeros(1, 10), 4))[0]) == 4


def test_every_row_has_its_own_threshold() -> None:
    rows = torch.tensor([[10.0, 9.0, 8.0], [0.0, 1.0, 2.0]])
    assert kept(keep_top_k(rows, 1)) == [[0], [2]]
    assert kept(keep_top_p(rows, 0.7)) == [[0, 1], [1, 2]]
    assert kept(keep_top_p(torch.tensor([[10.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), 0.9)) == [[0], [0, 1, 2]]


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    logits = torch.log(torch.tensor([[0.15, 0.5, 0.05, 0.3]]))
    for p, expected in ((0.4, [1]), (0.6, [1, 3]), (0.9, [0, 1, 3]), (0.97, [0, 1, 2, 3]), (1e-9, [1])):
        assert kept(keep_top_p(logits, p)) == [expected]


@given(
    st.lists(st.floats(-20, 20), min_size=2, max_size=40),
    st.floats(0.1, 3),
    st.integers(1, 50),
    st.floats(0.01, 0.99),
)
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_three_is_transformers(row: list[float], temperature: float, k: int, p: float) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers (extra: test) is the reference here")
    # Distinct logits: among equals, which ones are kept is anybody's choice.
    logits = torch.tensor([[logit + 0.01 * i for i, logit in enumerate(sorted(row))]])
    warped = logits.clone()
    for warper in (
        transformers.TemperatureLogitsWarper(temperature),
        transformers.TopKLogitsWarper(k),
        transformers.TopPLogitsWarper(p),
    ):
        warped = warper(None, warped)
    ours = Sampling(temperature, k, p).probabilities(logits)
    expected = warped.softmax(-1)
    if (ours > 0).equal(expected > 0):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)
    else:  # a sum may fall on p exactly, and then rounding decides about one token
        assert ((ours > 0) ^ (expected > 0)).sum() == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -0.5}, "temperature must be 0 .* or a positive number, not -0.5"),
        ({"temperature": math.nan}, "temperature must be .* not nan"),
        ({"temperature": math.inf}, "temperature must be .* not inf"),
        ({"top_k": 0}, "top_k must be at least 1, not 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, not 0.0"),
        ({"top_p": 1.1}, "top_p must be above 0 and at most 1, not 1.1"),
        ({"top_p": math.nan}, "top_p must be above 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**wrong)  # type: ignore[arg-type]
