"""Packed texts have the scores that each has alone."""

import numpy as np
import pytest
import torch

from nextword.errors import NotFiniteError
from nextword.evaluate import scoring
from nextword.evaluate.scoring import Request, score
from nextword.model import GPT


def random_requests(n: int, n_ctx: int, seed: int = 0) -> list[Request]:
    draw = np.random.default_rng(seed)

    def ids(most: int) -> list[int]:
        return draw.integers(0, 61, draw.integers(1, most + 1)).tolist()

    return [Request(ids(n_ctx), tuple(ids(n_ctx // 2) for _ in range(draw.integers(1, 5)))) for _ in range(n)]


def alone(model: GPT, request: Request, end: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Score a continuation by itself, in float64: its ln p, and whether each token is the likeliest."""
    ids = torch.tensor([[*request.text, *end][-(model.config.n_ctx + 1) :]])
    logprobs = model.double()(ids[:, :-1])[0].log_softmax(-1)[-len(end) :]
    model.float()
    targets = ids[0, -len(end) :]
    found = logprobs.gather(-1, targets[:, None])[:, 0]
    return found.detach().numpy(), (logprobs.argmax(-1) == targets).numpy()


@pytest.mark.parametrize("together", [1, 16, 40])
def test_each_continuation_is_scored_as_if_it_were_alone(model, together, monkeypatch):
    """Also where rows are filled up to be read side by side, and where texts are longer than the model reads."""
    monkeypatch.setattr(scoring, "CPU_TOKENS", together)
    monkeypatch.setattr(scoring, "MOST_LOGITS", 4 * 61 * 5)
    requests = random_requests(30, model.config.n_ctx)
    told: list[int] = []
    for request, scores in zip(requests, score(model, requests, tell=told.append), strict=True):
        assert len(scores) == len(request.continuations)
        for end, found in zip(request.continuations, scores, strict=True):
            logprobs, greedy = alone(model, request, list(end))
            np.testing.assert_allclose(found.logprobs, logprobs, atol=1e-5)
            np.testing.assert_array_equal(found.greedy, greedy)
            assert found.logprob == pytest.approx(logprobs.sum(), abs=1e-4)
            assert found.is_greedy == greedy.all()
    assert told == sorted(told)
    assert told[-1] == 30


def test_what_continuations_share_is_read_once(model):
    n_read = []
    hook = model.ln_f.register_forward_pre_hook(lambda module, inputs: n_read.append(inputs[0].size(1)))
    score(model, [Request([1, 2, 3, 4, 5, 6], ([7, 8], [9, 10], [11]))])
    hook.remove()
    assert n_read == [6 + 1 + 1]


def test_the_mode_is_put_back_and_no_gradient_is_kept(model):
    model.train()
    score(model, random_requests(2, 8))
    assert model.training
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("request_", [Request([], ([1],)), Request([1], ([],)), Request([1], ([2], []))])
def test_nothing_to_read_or_to_predict_is_refused(model, request_):
    with pytest.raises(ValueError, match="at least one token of text, and one in each continuation"):
        score(model, [request_])


def test_a_continuation_that_is_too_long_is_refused(model):
    with pytest.raises(ValueError, match="a continuation of 17 tokens is more than n_ctx = 16"):
        score(model, [Request([1], ([2] * 17,))])


def test_a_broken_model_is_told(model):
    with torch.no_grad():
        model.ln_f.weight[0] = float("nan")
    with pytest.raises(NotFiniteError, match="A token's probability is no number"):
        score(model, [Request([1], ([2],))])


def test_bfloat16_is_near(model):
    requests = random_requests(5, 8)
    exact, near = score(model, requests), score(model, requests, torch.bfloat16)
    for ours, theirs in zip(exact, near, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.logprobs, b.logprobs, atol=0.2)
