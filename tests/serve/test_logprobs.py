import numpy as np
import pytest
import torch

from nextword.serve.logprobs import logprobs_of


@pytest.mark.parametrize("n_top", [0, 1, 3, 7, 20])
def test_likelihoods_are_log_softmax(n_top: int) -> None:
    logits = np.random.default_rng(1).normal(0, 5, 7).astype(np.float32)
    right = torch.from_numpy(logits).double().log_softmax(-1)
    found = logprobs_of(4, logits, n_top)
    assert found.logprob == pytest.approx(right[4].item(), abs=1e-6)
    best = right.argsort(descending=True)[:n_top].tolist()
    assert [id for id, _ in found.top] == best
    assert [logprob for _, logprob in found.top] == pytest.approx(right[best].tolist(), abs=1e-6)


def test_the_likeliest_token_is_exactly_as_likely_as_the_first_of_the_top() -> None:
    for seed in range(50):
        logits = np.random.default_rng(seed).normal(size=1000).astype(np.float32)
        id = int(logits.argmax())
        for n_top in (1, 5):
            assert logprobs_of(id, logits, n_top).logprob == logprobs_of(id, logits, n_top).top[0][1]


def test_of_equal_tokens_the_first_stands_first() -> None:
    logits = np.zeros(9, np.float32)
    assert [id for id, _ in logprobs_of(0, logits, 4).top] == [0, 1, 2, 3]
    assert logprobs_of(8, logits, 1).top[0] == (0, logprobs_of(8, logits, 0).logprob)
