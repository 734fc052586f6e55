import math

import pytest
import torch

from nextword.errors import DataError, NotFiniteError
from nextword.evaluate import evaluate, in_digits, perplexity


@pytest.fixture
def text():
    return torch.randint(61, (45,), generator=torch.Generator().manual_seed(2), dtype=torch.int32)


def by_hand(model, ids, window):
    """The mean of -ln p over all tokens but the first, one window at a time, in float64."""
    model = model.double()
    surprises = []
    for start in range(0, len(ids) - 1, window):
        x, y = ids[start : start + window].long(), ids[start + 1 : start + 1 + window].long()
        log_p = model(x[: len(y)][None])[0].log_softmax(-1)
        surprises += [-log_p[place, token].item() for place, token in enumerate(y)]
    assert len(surprises) == len(ids) - 1
    model.float()
    return sum(surprises) / len(surprises)


@pytest.mark.parametrize("window, batch_size", [(16, 1), (16, 2), (16, 5), (11, 3), (7, 4), (1, 50)])
def test_the_mean_over_all_tokens_is_that_of_a_plain_loop(model, text, window, batch_size):
    """45 tokens in windows of 16 end with one of 12: a mean over windows or batches would be another number."""
    loss = evaluate(model, text, window, batch_size)
    assert loss == pytest.approx(by_hand(model, text, window), rel=1e-5)


def test_how_the_windows_are_batched_changes_nothing(model, text):
    losses = [evaluate(model, text, 7, batch_size) for batch_size in (1, 2, 3, 100)]
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-6)


@pytest.fixture
def dropping(model):
    for module in model.modules():
        if hasattr(module, "dropout"):
            module.dropout = 0.5
    return model


def test_dropout_is_off_and_the_random_state_untouched(dropping, text):
    expected = evaluate(dropping.eval(), text, 16)
    dropping.train()
    before = torch.get_rng_state()
    assert evaluate(dropping, text, 16) == expected
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_is_put_back(model, text, mode, monkeypatch):
    modes = []
    model.train(mode)
    model.ln_f.register_forward_hook(lambda _module, *_: modes.append([m.training for m in model.modules()]))
    evaluate(model, text, 16)
    assert modes
    assert not any(any(forward) for forward in modes)
    assert all(module.training is mode for module in model.modules())
    with pytest.raises(ValueError, match="n_ctx"):
        evaluate(model, text, window=17)  # more than it can read
    assert model.training is mode


def test_no_gradient_is_kept_or_made(model, text):
    model.wte.weight.grad = torch.ones_like(model.wte.weight)
    evaluate(model, text, 16)
    assert model.wte.weight.grad.eq(1).all()
    assert model.wpe.weight.grad is None


def test_bfloat16_is_near_and_float32_is_the_default(model, text):
    exact, near = evaluate(model, text, 16), evaluate(model, text, 16, dtype=torch.bfloat16)
    assert evaluate(model, text, 16, dtype=torch.float32) == exact
    assert near != exact
    assert near == pytest.approx(exact, rel=0.02)


def test_a_model_that_knows_nothing_is_surprised_by_ln_v(model, text):
    with torch.no_grad():
        model.wte.weight.zero_()
    assert evaluate(model, text, 16) == pytest.approx(math.log(61))
    assert perplexity(math.log(61)) == pytest.approx(61)


def test_one_token_predicts_nothing(model):
    with pytest.raises(DataError, match="validation text: 1 token"):
        evaluate(model, torch.tensor([5]), 16)
    assert evaluate(model, torch.tensor([5, 6]), 16) > 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_refused(model, ids, value):
    model.ln_f.weight.data[0] = value
    with pytest.raises(NotFiniteError, match=r"The loss over this text is (nan|inf)"):
        evaluate(model, ids.flatten(), 16)
    assert not model.training


def test_perplexity():
    assert perplexity(0.0) == 1.0
    assert perplexity(10.8) == pytest.approx(49020.8, rel=1e-5)
    assert perplexity(1e6) == math.inf
    assert math.isnan(perplexity(math.nan))


@pytest.mark.parametrize(
    "value, said",
    [
        (1.0, "1.0"),
        (99.94, "99.9"),
        (99.96, "100"),
        (47_442.3, "47,442"),
        (999_999.4, "999,999"),
        (999_999.6, "1.0e+06"),
        (3.24e12, "3.2e+12"),
        (1e300, "1.0e+300"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_a_perplexity_stays_short_however_bad_the_model(value, said):
    assert in_digits(value) == said
    assert len(said) <= 9
