from collections import Counter

import numpy as np
import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor

from nextword.decode import Sampling
from nextword.errors import NotFiniteError
from nextword.serve.choice import Chooser, Wishes, likelihood, pick

ALL = Sampling(1.0, None)
GREEDY = Sampling(0.0, None)


def frequencies(wishes: Wishes, logits: list[float], n: int = 4000) -> np.ndarray:
    """How often each token is the first of a text."""
    rng = np.random.default_rng(0)
    row = np.array(logits, np.float32)
    counts = Counter(Chooser(wishes, rng).choose(row) for _ in range(n))
    return np.array([counts[id] / n for id in range(len(logits))])


def probabilities(logits: list[float]) -> np.ndarray:
    return torch.tensor(logits, dtype=torch.float64).softmax(-1).numpy()


def test_bias_is_added_to_the_logits() -> None:
    found = frequencies(Wishes(ALL, logit_bias={0: 1.5, 2: -100.0}), [0.0, 1.0, 3.0, 0.5])
    np.testing.assert_allclose(found, probabilities([1.5, 1.0, -97.0, 0.5]), atol=0.03)


def test_min_p_forbids_what_is_much_less_likely_than_the_likeliest() -> None:
    logits = np.log([0.5, 0.26, 0.14, 0.1]).tolist()
    np.testing.assert_allclose(frequencies(Wishes(ALL, min_p=0.5), logits), [0.5 / 0.76, 0.26 / 0.76, 0, 0], atol=0.03)
    hotter = frequencies(Wishes(Sampling(2.0, None), min_p=0.5), logits)  # sqrt(0.14 / 0.5) is above a half
    assert (hotter > 0).tolist() == [True, True, True, False]


def test_penalties_count_what_was_written() -> None:
    logits = np.array([2.0, 1.2, 0.0], np.float32)
    kept = logits.copy()
    presence = Chooser(Wishes(GREEDY, presence_penalty=1.0), np.random.default_rng(0))
    assert [presence.choose(logits) for _ in range(4)] == [0, 1, 0, 0]  # 2.0, 1.2 | 1.0, 1.2 | 1.0, 0.2
    frequency = Chooser(Wishes(GREEDY, frequency_penalty=0.9), np.random.default_rng(0))
    assert [frequency.choose(logits) for _ in range(5)] == [0, 1, 0, 1, 0]  # 1.1, 1.2 | 1.1, 0.3 | 0.2, 0.3 | 0.2, -0.6
    np.testing.assert_array_equal(logits, kept)


def test_without_a_compiler_the_same_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    cases = [(rng.normal(size=50).astype(np.float32), rng.random()) for _ in range(50)]
    sampling = Sampling(0.9, 20, 0.8)
    here = [pick(logits, sampling, number) for logits, number in cases]
    monkeypatch.setattr("nextword.serve.choice.library", lambda: None)
    assert [pick(logits, sampling, number) for logits, number in cases] == here


@pytest.mark.parametrize("n_top", [0, 1, 3, 7, 20])
def test_likelihoods_are_log_softmax(n_top: int) -> None:
    logits = np.random.default_rng(1).normal(0, 5, 7).astype(np.float32)
    right = torch.from_numpy(logits).double().log_softmax(-1)
    found = likelihood(logits, 4, n_top)
    assert found.logprob == pytest.approx(right[4].item(), abs=1e-6)
    best = right.argsort(descending=True)[:n_top].tolist()
    assert [id for id, _ in found.top] == best
    assert [logprob for _, logprob in found.top] == pytest.approx(right[best].tolist(), abs=1e-6)


def test_the_likeliest_token_is_exactly_as_likely_as_the_first_of_the_top() -> None:
    for seed in range(50):
        logits = np.random.default_rng(seed).normal(size=1000).astype(np.float32)
        id = int(logits.argmax())
        for n_top in (1, 5):
            assert likelihood(logits, id, n_top).logprob == likelihood(logits, id, n_top).top[0][1]


def test_of_equal_tokens_the_first_stands_first() -> None:
    logits = np.zeros(9, np.float32)
    assert [id for id, _ in likelihood(logits, 0, 4).top] == [0, 1, 2, 3]
    assert likelihood(logits, 8, 1).top[0] == (0, likelihood(logits, 8, 0).logprob)


@pytest.mark.parametrize(("wrong", "name"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("sampling", [ALL, GREEDY])
def test_nothing_is_chosen_by_what_is_no_number(wrong: float, name: str, sampling: Sampling) -> None:
    logits = np.array([0.0, wrong, 1.0], np.float32)
    with pytest.raises(NotFiniteError, match=f"computes {name} after this text"):
        Chooser(Wishes(sampling), np.random.default_rng(0)).choose(logits)


def test_repetition_is_penalised_as_transformers_does_it() -> None:
    logits = np.random.default_rng(0).normal(size=40).astype(np.float32)
    prompt = [3, 1, 4, 1, 5]
    for penalty in (0.7, 1.0, 1.3, 5.0):
        right = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([prompt]), torch.from_numpy(logits)[None])[0]
        wished = Chooser(Wishes(repetition_penalty=penalty), np.random.default_rng(0), prompt)._wished(logits)
        np.testing.assert_array_equal(wished, right.numpy())


def test_what_ends_the_text_comes_late_enough_and_only_what_is_allowed_comes() -> None:
    logits = np.array([5.0, 4.0, 3.0, 2.0], np.float32)
    chooser = Chooser(Wishes(GREEDY, min_tokens=2, ends=[0, 1]), np.random.default_rng(0))
    assert [chooser.choose(logits) for _ in range(4)] == [2, 2, 0, 0]
    allowed = Wishes(ALL, allowed=[1, 3], logit_bias={0: 100.0})
    np.testing.assert_allclose(frequencies(allowed, logits.tolist())[[1, 3]], probabilities([4.0, 2.0]), atol=0.03)
