import numpy as np
import pytest
import torch

from nextword.decode.choose import choose
from nextword.decode.sampler import draw
from nextword.decode.sampling import Sampling
from nextword.native import library

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")


@pytest.mark.parametrize("top_k", [None, 1, 2, 40, 999, 1000, 2000])
@pytest.mark.parametrize("top_p", [1.0, 0.999999, 0.9, 0.1, 1e-9])
@pytest.mark.parametrize("temperature", [0.0, 5e-324, 1e-310, 1e-38, 0.01, 0.7, 1.0, 10000.0])
def test_it_chooses_what_the_mathematics_does(temperature: float, top_k: int | None, top_p: float) -> None:
    rng = np.random.default_rng(0)
    for round in (False, True):  # rounded, many logits are equal
        logits = (rng.standard_normal(1000) * 3).astype(np.float32)
        logits = np.round(logits) if round else logits
        numbers = np.array([0.0, *rng.random(8), 1 - 2**-53])
        many = torch.from_numpy(logits).expand(len(numbers), -1)
        sampling = Sampling(temperature, top_k, top_p)
        expected = choose(sampling, many, torch.from_numpy(numbers)).tolist()
        assert [draw(logits, sampling, number) for number in numbers] == expected


@pytest.mark.parametrize("top_k", [None, 40])
@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_what_is_forbidden_is_not_drawn(top_k: int | None, top_p: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(1000).astype(np.float32)
    logits[rng.random(1000) < 0.97] = -np.inf
    numbers = np.array([0.0, *rng.random(50), 1 - 2**-53])
    sampling = Sampling(1.0, top_k, top_p)
    expected = choose(sampling, torch.from_numpy(logits).expand(len(numbers), -1), torch.from_numpy(numbers)).tolist()
    assert [draw(logits, sampling, number) for number in numbers] == expected
    assert np.isfinite(logits[expected]).all()


def test_frequencies_are_the_probabilities() -> None:
    logits = np.array([1.0, 3.0, -2.0, 2.0, 2.5], np.float32)
    weights = np.exp(logits.astype(np.float64) / 1.5)
    draws = 20_000
    ids = [draw(logits, Sampling(1.5, None), number) for number in np.random.default_rng(0).random(draws)]
    counts = np.bincount(ids, minlength=5)
    expected = weights / weights.sum() * draws
    assert ((counts - expected) ** 2 / expected).sum() < 20  # chi-square with 4 degrees: 20 comes once in 2,000


def test_among_equals_the_lower_ids_are_kept() -> None:
    logits = np.array([0, 1, 1, 1, 1], np.float32)
    chosen = {draw(logits, Sampling(1.0, 2), number) for number in np.linspace(0, 0.999, 50)}
    assert chosen == {1, 2}
    assert draw(logits, Sampling(0.0), 0.5) == 1
