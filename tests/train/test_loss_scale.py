"""Training in float16, through the same code on a CPU as on a GPU that knows no bfloat16."""

import json
import math
from dataclasses import replace

import pytest
import torch
from train.runs import equal, of, train, weights

from nextword.model import GPT, GPTConfig
from nextword.model.head_loss import head_loss
from nextword.train import Trainer
from nextword.train import loss_scale as module
from nextword.train.events import Finished, Stepped, Warned
from nextword.train.loss_scale import FIRST, LossScale
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.optimizer import make_optimizer
from nextword.train.update import PlainUpdate, ScaledUpdate, make_update

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


def begin(kind, *more):
    torch.manual_seed(0)
    working = LowPrecisionCopy(GPT(SMALL), torch.float32)
    optimizer = make_optimizer(working.model, 0.01, 0.1, 0.95)
    return working, kind(working, optimizer, 0.3, *more)


def give_gradients(working, step, scale=1.0):
    generator = torch.Generator().manual_seed(step)
    for weight in working.weights:
        weight.grad = torch.randn(weight.shape, generator=generator) * 0.1 * scale


def test_the_scale_moves_as_pytorchs_own(monkeypatch):
    monkeypatch.setattr(module, "GROWTH_STEPS", 3)
    scale = LossScale(value=2.0**10)
    theirs = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for overflowed in (False, False, True, False, False, False, False, True, True, False, False, False, False):
        theirs.scale(weight.sum()).backward()
        if overflowed:
            weight.grad[0] = math.inf
        theirs.step(optimizer)
        theirs.update()
        optimizer.zero_grad()
        scale.update(overflowed)
        assert scale.value == theirs.get_scale()
    assert scale.skipped == 3


def test_scaled_gradients_move_the_weights_as_others_do():
    plain, move = begin(PlainUpdate)
    scaled, move_scaled = begin(ScaledUpdate, scale := LossScale())
    for step in (1, 2, 3):
        give_gradients(plain, step)
        give_gradients(scaled, step, scale.value)
        norms = [update(torch.tensor(1.0), 0.01).item() for update in (move, move_scaled)]
        assert norms[0] == pytest.approx(norms[1], rel=1e-6)
    for one, other in zip(plain.masters, scaled.masters, strict=True):
        torch.testing.assert_close(one, other)


def test_a_step_that_overflows_moves_nothing_and_halves_the_scale():
    working, move = begin(ScaledUpdate, scale := LossScale())
    before = [master.detach().clone() for master in working.masters]
    give_gradients(working, 1)
    working.weights[3].grad.view(-1)[5] = math.inf
    assert math.isnan(move(torch.tensor(1.0), 0.01).item())
    assert all(torch.equal(master, was) for master, was in zip(working.masters, before, strict=True))
    assert all(master.grad is None for master in working.masters)
    assert (scale.value, scale.skipped) == (FIRST / 2, 1)


def test_where_no_scale_helps_the_norm_tells():
    working, move = begin(ScaledUpdate, LossScale(value=1.0))
    give_gradients(working, 1)
    working.weights[0].grad[0, 0] = math.nan
    assert move(torch.tensor(1.0), 0.01).item() == math.inf


def test_a_loss_that_is_not_finite_is_no_matter_of_the_scale():
    working, move = begin(ScaledUpdate, scale := LossScale())
    give_gradients(working, 1)
    move(torch.tensor(math.nan), 0.01)
    assert scale == LossScale()


def test_only_float16_has_a_scale():
    working, _ = begin(PlainUpdate)
    optimizer = make_optimizer(working.model, 0.01, 0.1, 0.95)
    assert not isinstance(make_update(working, optimizer, 1.0), ScaledUpdate)
    assert isinstance(make_update(working, optimizer, 1.0, LossScale()), ScaledUpdate)


def test_the_heads_gradients_do_not_vanish_in_float16():
    """Of 4,096 rows each has a share of 1/4096; times a probability of 1/300, that is below float16's least number."""
    torch.manual_seed(0)
    x, weight = torch.randn(4096, 8), torch.randn(300, 8) * 0.1
    targets = torch.randint(300, (4096,))
    found, exact = [], []
    for dtype, gradients in ((torch.float16, found), (torch.float64, exact)):
        inputs = [
            tensor.to(torch.promote_types(dtype, torch.float32), copy=True).requires_grad_() for tensor in (x, weight)
        ]
        with torch.autocast("cpu", dtype=torch.float16, enabled=dtype == torch.float16):
            (head_loss(*inputs, targets) * (FIRST if dtype == torch.float16 else 1.0)).backward()
        gradients += [tensor.grad.double() / (FIRST if dtype == torch.float16 else 1.0) for tensor in inputs]
    for one, other in zip(found, exact, strict=True):
        assert (one - other).norm() < 2e-3 * other.norm()


def test_a_run_in_float16_learns_what_one_in_float32_learns(config):
    losses = {}
    for dtype in ("float32", "float16"):
        events = train(Trainer(replace(config, dtype=dtype, dropout=0.0, out=f"{config.out}-{dtype}")))
        assert isinstance(events[-1], Finished)
        losses[dtype] = [step.train_loss for step in of(events, Stepped)]
    assert losses["float16"] != losses["float32"]
    assert losses["float16"] == pytest.approx(losses["float32"], rel=2e-3)


@pytest.fixture
def too_large(monkeypatch):
    """A first scale so large that the first steps are skipped."""
    monkeypatch.setattr("nextword.train.steps.LossScale", lambda: LossScale(value=2.0**22))


def test_skipped_steps_are_counted_and_told(config, too_large):
    run = Trainer(replace(config, dtype="float16", steps=20))
    events = train(run)
    skipped = [step.step for step in of(events, Stepped) if step.skipped]
    assert skipped[:3] == [1, 2, 3]
    assert len(skipped) < 12
    told = [warned.message for warned in of(events, Warned)]
    assert "Step 1 was skipped: a gradient overflowed float16. The loss scale is halved, to 2,097,152;" in told[0]
    assert told[1].startswith(f"{len(skipped)} of 20 steps were skipped")
    lines = [json.loads(line) for line in (run.setup.directory / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["step"] and line["grad_norm"] is None] == skipped


@pytest.mark.parametrize("until", [2, 11])  # while steps are skipped, and after that
def test_a_resumed_run_goes_on_with_its_scale_bit_by_bit(config, too_large, until):
    config = replace(config, dtype="float16")
    whole = Trainer(replace(config, out=f"{config.out}-whole"))
    train(whole)
    train(Trainer(config), until=until)
    resumed = Trainer(config, resume=True)
    train(resumed)
    assert equal(weights(resumed), weights(whole))
