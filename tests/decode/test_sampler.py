"""Choosing a text's tokens: each logits processor by itself, and the draw."""

from collections import Counter

import numpy as np
import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor

from nextword.decode import Sampling
from nextword.decode.logits_processors import PROCESSORS, asked_for
from nextword.decode.sampler import Sampler, draw
from nextword.errors import NotFiniteError

ALL = Sampling(1.0, None)
GREEDY = Sampling(0.0, None)


def frequencies(sampling: Sampling, logits: list[float], n: int = 4000) -> np.ndarray:
    """How often each token is the first of a text."""
    rng = np.random.default_rng(0)
    row = np.array(logits, np.float32)
    counts = Counter(Sampler(sampling).choose(row, rng.random()) for _ in range(n))
    return np.array([counts[id] / n for id in range(len(logits))])


def probabilities(logits: list[float]) -> np.ndarray:
    return torch.tensor(logits, dtype=torch.float64).softmax(-1).numpy()


def test_bias_is_added_to_the_logits() -> None:
    found = frequencies(Sampling(1.0, None, logit_bias={0: 1.5, 2: -100.0}), [0.0, 1.0, 3.0, 0.5])
    np.testing.assert_allclose(found, probabilities([1.5, 1.0, -97.0, 0.5]), atol=0.03)


def test_min_p_forbids_what_is_much_less_likely_than_the_likeliest() -> None:
    logits = np.log([0.5, 0.26, 0.14, 0.1]).tolist()
    found = frequencies(Sampling(1.0, None, min_p=0.5), logits)
    np.testing.assert_allclose(found, [0.5 / 0.76, 0.26 / 0.76, 0, 0], atol=0.03)
    hotter = frequencies(Sampling(2.0, None, min_p=0.5), logits)  # sqrt(0.14 / 0.5) is above a half
    assert (hotter > 0).tolist() == [True, True, True, False]


def test_penalties_count_what_was_written() -> None:
    logits = np.array([2.0, 1.2, 0.0], np.float32)
    kept = logits.copy()
    presence = Sampler(Sampling(0.0, None, presence_penalty=1.0))
    assert [presence.choose(logits, 0.5) for _ in range(4)] == [0, 1, 0, 0]  # 2.0, 1.2 | 1.0, 1.2 | 1.0, 0.2
    frequency = Sampler(Sampling(0.0, None, frequency_penalty=0.9))
    assert [frequency.choose(logits, 0.5) for _ in range(5)] == [0, 1, 0, 1, 0]  # 1.1, 1.2 | 1.1, 0.3 | 0.2, 0.3 | ...
    np.testing.assert_array_equal(logits, kept)


def test_without_a_compiler_the_same_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    cases = [(rng.normal(size=50).astype(np.float32), rng.random()) for _ in range(50)]
    sampling = Sampling(0.9, 20, 0.8)
    here = [draw(logits, sampling, number) for logits, number in cases]
    monkeypatch.setattr("nextword.decode.sampler.library", lambda: None)
    assert [draw(logits, sampling, number) for logits, number in cases] == here


@pytest.mark.parametrize(("wrong", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("sampling", [ALL, GREEDY])
def test_nothing_is_chosen_by_what_is_no_number(wrong: float, name: str, sampling: Sampling) -> None:
    logits = np.array([0.0, wrong, 1.0], np.float32)
    with pytest.raises(NotFiniteError, match=f"computes {name} after this text"):
        Sampler(sampling).choose(logits, 0.5)


@pytest.mark.parametrize("sampling", [ALL, GREEDY])
def test_what_the_model_itself_forbids_is_never_drawn(sampling: Sampling) -> None:
    found = frequencies(sampling, [0.0, -np.inf, -np.inf], 100)
    assert found.tolist() == [1, 0, 0]
    with pytest.raises(NotFiniteError, match="computes infinity after this text"):
        Sampler(sampling).choose(np.full(3, -np.inf, np.float32), 0.5)


def test_repetition_is_penalised_as_transformers_does_it() -> None:
    logits = np.random.default_rng(0).normal(size=40).astype(np.float32)
    prompt = [3, 1, 4, 1, 5]
    for penalty in (0.7, 1.0, 1.3, 5.0):
        right = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([prompt]), torch.from_numpy(logits)[None])[0]
        found = Sampler(Sampling(repetition_penalty=penalty), prompt).processed(logits)
        np.testing.assert_array_equal(found, right.numpy())


def test_what_ends_the_text_comes_late_enough_and_only_what_is_allowed_comes() -> None:
    logits = np.array([5.0, 4.0, 3.0, 2.0], np.float32)
    sampler = Sampler(GREEDY)
    assert [sampler.choose(logits, 0.5, forbidden) for forbidden in ([0, 1], [0, 1], [], [])] == [2, 2, 0, 0]
    allowed = Sampling(1.0, None, allowed_ids=[1, 3], logit_bias={0: 100.0})
    np.testing.assert_allclose(frequencies(allowed, logits.tolist())[[1, 3]], probabilities([4.0, 2.0]), atol=0.03)


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_processor_runs_only_where_it_is_asked_for(name: str) -> None:
    value = {"logit_bias": {1: 2.0}, "allowed_ids": [1]}.get(name, 0.5)
    assert asked_for(Sampling(**{name: value})) == [name]  # type: ignore[arg-type]
    assert asked_for(Sampling(0.3, 7, 0.5)) == []
