"""The blackboard's evaluation against the fast one."""

import math

import numpy as np
import pytest
import torch

import nextword.evaluate as fast
from nextword.data import evaluation_batches
from nextword.evaluate.plain import evaluate, perplexity


@pytest.fixture
def text():
    return torch.randint(61, (45,), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("window, batch_size", [(16, 1), (16, 2), (11, 3), (7, 4)])
def test_it_is_the_fast_one(model, text, window, batch_size):
    """The last batch is a shorter one, so that a mean over batches would be another number."""
    batches = evaluation_batches(text, window, batch_size)
    assert evaluate(model, batches) == pytest.approx(fast.evaluate(model, text, window, batch_size), rel=1e-5)


@pytest.mark.parametrize("mode", [True, False])
def test_dropout_is_off_and_the_mode_put_back(model, text, mode):
    batches = list(evaluation_batches(text, 16))
    expected = evaluate(model.eval(), batches)
    for module in model.modules():
        if hasattr(module, "dropout"):
            module.dropout = 0.5
    model.train(mode)
    assert evaluate(model, batches) == expected
    assert all(module.training is mode for module in model.modules())


def test_no_gradient_is_kept(model, text):
    kept = []
    model.ln_f.register_forward_hook(lambda _module, _inputs, output: kept.append(output.requires_grad))
    evaluate(model, evaluation_batches(text, 16))
    assert kept
    assert not any(kept)
    assert model.wte.weight.grad is None


def test_perplexity_is_that_of_all_tokens_together():
    surprises = [np.array([0.5, 2.0, 1.0]), np.array([4.0])]
    expected = np.exp(-np.log(np.exp(-np.concatenate(surprises))).mean())
    assert perplexity([s.mean() for s in surprises], [3, 1]) == pytest.approx(expected)
    assert perplexity([math.log(61)] * 2, [16, 5]) == pytest.approx(61)
    assert perplexity([1.7], [12]) == pytest.approx(fast.perplexity(1.7))
