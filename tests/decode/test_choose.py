"""Choosing the next token, against a float64 formula in numpy, against counts, and against transformers' warpers."""

import math
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
import torch
from chances import probabilities
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.decode import Sampling
from nextword.decode.choose import choose, highest_ids
from nextword.decode.sampler import Sampler

LOGITS = torch.tensor([[1.0, 3.0, 2.0, -1.0, 0.0]])


def kept(sampling: Sampling, logits: Tensor) -> list[list[int]]:
    """Which ids may be drawn, row by row."""
    return [row.nonzero().flatten().tolist() for row in probabilities(sampling, logits)]


def by_formula(sampling: Sampling, row: list[float], number: float) -> tuple[int, float]:
    """The id that the number falls on, one token after the other, and how near it came to the next border."""
    order = sorted(range(len(row)), key=lambda id: (-row[id], id))
    if sampling.temperature == 0:
        return order[0], math.inf
    order = order[: sampling.top_k]
    weights = {id: math.exp((row[id] - row[order[0]]) / sampling.temperature) for id in order}
    whole, before, margin, allowed = math.fsum(weights.values()), 0.0, math.inf, []
    for id in order:
        if sampling.top_p < 1.0:
            margin = min(margin, abs(before / whole - sampling.top_p))
            if before >= sampling.top_p * whole:
                break
        allowed.append(id)
        before += weights[id]
    running = list(accumulate(weights[id] for id in sorted(allowed)))
    margin = min(margin, *(abs(part / running[-1] - number) for part in running))
    index = next(i for i, part in enumerate(running) if part > number * running[-1])
    return sorted(allowed)[index], margin


settings_of_any_kind = st.builds(
    Sampling,
    st.sampled_from([0.0, 0.3, 0.8, 1.0, 2.5]),
    st.sampled_from([None, 1, 2, 3, 7, 40, 1000]),
    st.sampled_from([1.0, 0.95, 0.5, 0.01]),
)


@given(
    st.lists(st.lists(st.floats(-9, 9, width=16), min_size=12, max_size=12), min_size=1, max_size=4),
    settings_of_any_kind,
    st.lists(st.floats(0, 1, exclude_max=True), min_size=4, max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_choose_is_the_formula(rows: list[list[float]], sampling: Sampling, numbers: list[float]) -> None:
    numbers = numbers[: len(rows)]
    chosen = choose(sampling, torch.tensor(rows), torch.tensor(numbers, dtype=torch.float64)).tolist()
    for row, number, id in zip(rows, numbers, chosen, strict=True):
        expected, margin = by_formula(sampling, row, number)
        assert id == expected or margin < 1e-12


def test_the_borders_between_tokens_stand_where_the_sums_do() -> None:
    logits = torch.log(torch.tensor([[0.25, 0.5, 0.25]])).expand(6, 3)
    numbers = torch.tensor([0.0, 0.2499, 0.2501, 0.7499, 0.7501, 1.0 - 2.0**-53], dtype=torch.float64)
    assert choose(Sampling(1.0, None), logits, numbers).tolist() == [0, 0, 1, 1, 2, 2]
    exactly = torch.zeros(4, 4)  # four equal tokens: the sums are exact, and a number on a border belongs to the next
    assert choose(Sampling(1.0, None), exactly, torch.tensor([0.0, 0.25, 0.5, 0.75]).double()).tolist() == [0, 1, 2, 3]


def test_draws_have_the_frequencies_of_the_probabilities() -> None:
    sampling = Sampling(temperature=0.9, top_k=30, top_p=0.95)
    logits = torch.randn(1, 50, generator=torch.Generator().manual_seed(0)) * 2
    numbers = torch.from_numpy(np.random.default_rng(0).random(50_000))
    observed = choose(sampling, logits.expand(50_000, 50), numbers).bincount(minlength=50).double()
    expected = probabilities(sampling, logits)[0].double() * 50_000
    possible = expected > 0
    assert not observed[~possible].any()
    chi_square = ((observed - expected)[possible] ** 2 / expected[possible]).sum().item()
    degrees = int(possible.sum()) - 1
    # Mean `degrees`, variance 2 `degrees`: five deviations are a wide berth, and a wrong law misses it by far.
    assert chi_square < degrees + 5 * math.sqrt(2 * degrees)


@pytest.mark.parametrize("number", [0.0, 0.3, 1.0 - 2.0**-53])
def test_what_has_no_probability_is_never_chosen(number: float) -> None:
    logits = torch.full((1, 1000), -math.inf)
    logits[0, 500] = 0.0
    numbers = torch.tensor([number], dtype=torch.float64)
    for sampling in (Sampling(1.0, None), Sampling(1.0, 40), Sampling(1.0, None, 0.9), Sampling(1.0, 40, 0.9)):
        assert choose(sampling, logits, numbers).item() == 500


def test_greedy_takes_the_likeliest_of_each_row_and_the_first_of_several() -> None:
    rows = torch.tensor([[0.0, 5.0, 1.0], [9.0, 5.0, 9.0]])
    assert choose(Sampling(temperature=0), rows, torch.tensor([0.9, 0.9])).tolist() == [1, 0]
    assert probabilities(Sampling(temperature=0), rows).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_temperature_divides_the_logits() -> None:
    p = probabilities(Sampling(temperature=2.0, top_k=None), LOGITS)[0].tolist()
    exps = [math.exp(logit / 2.0) for logit in LOGITS[0].tolist()]
    assert p == pytest.approx([e / sum(exps) for e in exps], rel=1e-5)


def test_a_tiny_temperature_is_greedy_and_never_nan() -> None:
    p = probabilities(Sampling(temperature=1e-38, top_k=None), LOGITS * 100)
    assert p.tolist() == [[0, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1]), (2, [1, 2]), (3, [0, 1, 2]), (5, [0, 1, 2, 3, 4]), (99, [0, 1, 2, 3, 4])]
)
def test_top_k_keeps_the_k_likeliest_and_all_where_k_is_larger_than_v(k: int, expected: list[int]) -> None:
    assert kept(Sampling(1.0, k), LOGITS) == [expected]


def test_among_equals_top_k_keeps_the_lower_ids() -> None:
    assert kept(Sampling(1.0, 4), torch.zeros(1, 1000)) == [[0, 1, 2, 3]]
    assert kept(Sampling(1.0, 2), torch.tensor([[-0.0, 0.0, -1.0, 0.0]])) == [[0, 1]]
    assert kept(Sampling(1.0, 3), torch.tensor([[1.0, 2.0, 1.0, 2.0, 1.0]])) == [[0, 1, 3]]


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=30), st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_the_highest_ids_are_those_of_a_stable_sort(row: list[float], k: int) -> None:
    k = min(k, len(row))
    expected = sorted(range(len(row)), key=lambda id: (-row[id], id))[:k]
    assert highest_ids(torch.tensor([row]), k)[0].tolist() == expected


def test_every_row_has_its_own_threshold() -> None:
    rows = torch.tensor([[10.0, 9.0, 8.0], [0.0, 1.0, 2.0]])
    assert kept(Sampling(1.0, 1), rows) == [[0], [2]]
    assert kept(Sampling(1.0, None, 0.7), rows) == [[0, 1], [1, 2]]
    assert kept(Sampling(1.0, None, 0.9), torch.tensor([[10.0, 0.0, 0.0], [0.0, 0.0, 0.0]])) == [[0], [0, 1, 2]]


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    logits = torch.log(torch.tensor([[0.15, 0.5, 0.05, 0.3]]))
    for p, expected in ((0.4, [1]), (0.6, [1, 3]), (0.9, [0, 1, 3]), (0.97, [0, 1, 2, 3]), (1e-9, [1])):
        assert kept(Sampling(1.0, None, p), logits) == [expected]


def test_bfloat16_logits_are_chosen_from_as_their_float32_values() -> None:
    logits = torch.randn(3, 200, generator=torch.Generator().manual_seed(1)).bfloat16()
    numbers = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    sampling = Sampling(0.7, 20, 0.9)
    assert torch.equal(choose(sampling, logits, numbers), choose(sampling, logits.float(), numbers))


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
    ours = probabilities(Sampling(temperature, k, p), logits)
    expected = warped.softmax(-1)
    if (ours > 0).equal(expected > 0):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)
    else:  # a sum may fall on p exactly, and then rounding decides about one token
        assert ((ours > 0) ^ (expected > 0)).sum() == 1


@given(
    st.lists(st.floats(-20, 20, width=16), min_size=2, max_size=40),
    settings_of_any_kind,
    st.floats(0.001, 1),
    st.floats(0, 0.999),
)
@settings(max_examples=200, deadline=None)
def test_min_p_is_what_the_logits_processor_does(row: list[float], given: Sampling, p: float, number: float) -> None:
    """So that a graph, which has none, writes the same as any engine."""
    both = replace(given, min_p=p)
    logits, numbers = torch.tensor([row]), torch.tensor([number], dtype=torch.float64)
    processed = torch.from_numpy(Sampler(both).processed(logits[0].numpy()))[None]
    assert choose(both, logits, numbers).equal(choose(given, processed, numbers))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_chooses_the_same() -> None:
    logits = torch.randn(64, 50257, generator=torch.Generator().manual_seed(0)) * 3
    numbers = torch.rand(64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for sampling in (
        Sampling(0),
        Sampling(1.0, None),
        Sampling(0.8, 40),
        Sampling(1.2, 200, 0.9),
        Sampling(1.0, None, 0.9),
        Sampling(1.0, 40, 0.9, min_p=0.05),
    ):
        there = choose(sampling, logits.cuda(), numbers.cuda()).cpu()
        assert torch.equal(there, choose(sampling, logits, numbers))
