"""The blackboard's training against the fast one."""

import math
from dataclasses import replace
from itertools import count

import pytest
import torch
from train.runs import TINY, losses, train

from nextword.data import batch
from nextword.learn.fixtures.bigram import Bigram
from nextword.learn.fixtures.ranks import on_ranks
from nextword.model import GPT, GPTConfig
from nextword.train import Trainer, plain
from nextword.train.checkpoint import training_tensors
from nextword.train.loss_scale import LossScale
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.matrix_optimizers.muon import Muon, orthogonal
from nextword.train.optimizer import make_optimizer, parameter_groups
from nextword.train.plain import unscale
from nextword.train.update import make_update

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.3)


def begin(config=SMALL, seed=0):
    torch.manual_seed(seed)
    model = GPT(config)
    return model, make_optimizer(model, 0.01, 0.5, 0.95)


def stream(seed=1):
    """Endless batches of random windows."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        ids = torch.randint(SMALL.n_vocab, (2, 17), generator=generator)
        yield ids[:, :-1], ids[:, 1:]


def parameters(model):
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.parametrize("clip", [0.3, 100.0])
def test_a_step_is_the_fast_update(clip):
    no_dropout = replace(SMALL, dropout=0.0)
    (model, optimizer), (other, other_optimizer) = begin(no_dropout), begin(no_dropout)
    working = LowPrecisionCopy(other, torch.float32)
    update = make_update(working, other_optimizer, clip)
    batches = stream()
    for _ in range(3):
        micro_batches = [next(batches) for _ in range(3)]
        loss = plain.gradient_step(model, optimizer, micro_batches, clip)
        whole = torch.stack([other.ops.cross_entropy(other(x), y) for x, y in micro_batches]).mean()
        whole.backward()
        update(whole.detach(), 0.01)
        assert loss == pytest.approx(whole.item(), rel=1e-5)
    for p, q in zip(parameters(model), parameters(other), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-4)


def test_the_loop_is_the_trainer(config):
    """The same losses on the same batches, while the learning rate goes up and down and clipping matters."""
    config = replace(config, dropout=0.0, clip=0.3, weight_decay=0.5)
    trainer = Trainer(config)
    told = losses(train(trainer))
    torch.manual_seed(config.seed)
    model = GPT(replace(TINY, dropout=0.0))
    groups = parameter_groups(model, config.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=99.0, betas=(0.9, config.beta2))
    batches = (batch(trainer.setup.windows, config.batch_size, config.seed, index) for index in count())
    found = plain.train(model, optimizer, batches, config.steps, config.warmup, config.lr, clip=config.clip)
    assert found == pytest.approx(told, rel=1e-4)
    assert found[-1] < found[0]
    assert optimizer.param_groups[1]["lr"] == pytest.approx(0.1 * config.lr)


def test_the_loop_sets_the_mode_and_takes_no_batch_too_many():
    model, optimizer = begin()
    batches = stream()
    plain.train(model.eval(), optimizer, batches, 3, 1, 0.01)
    assert model.training
    after_three = stream()
    for _ in range(3):
        next(after_three)
    assert torch.equal(next(batches)[0], next(after_three)[0])


def test_a_run_that_stops_and_goes_on_is_the_run_that_never_stopped():
    """Bit for bit, with dropout; in a new model and a new optimizer; though the first run went on meanwhile."""
    model, optimizer = begin()
    batches = stream()
    first = [next(batches) for _ in range(3)]
    then = [next(batches) for _ in range(4)]
    plain.train(model, optimizer, first, 7, 2, 0.01)
    state = plain.save_state(model, optimizer, 3)
    expected = plain.train(model, optimizer, then, 7, 2, 0.01, start=3)

    other, other_optimizer = begin(seed=99)
    for again in range(2):  # loading leaves the state as it is
        start = plain.load_state(state, other, other_optimizer)
        assert start == 3
        assert plain.train(other, other_optimizer, then, 7, 2, 0.01, start=start) == expected, again
        assert all(torch.equal(p, q) for p, q in zip(parameters(model), parameters(other), strict=True))
        tensors, others = training_tensors(model, optimizer), training_tensors(other, other_optimizer)
        assert tensors.keys() == others.keys()
        assert all(torch.equal(tensors[name], others[name]) for name in tensors)


def test_the_loss_scale_moves_as_in_a_run():
    scale = LossScale(value=64.0, steps=1995)
    value, steps = scale.value, scale.steps
    for number in (1.0, math.inf, 2.0, 3.0, math.nan, *[4.0] * 2001):
        unscaled, value, steps = unscale([torch.tensor([number], dtype=torch.float16)], value, steps)
        scale.update(overflowed=unscaled is None)
        assert (value, steps) == (scale.value, scale.steps)
    assert (scale.value, scale.skipped) == (32.0, 2)


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3)])
def test_muon_by_hand_is_the_fast_one_and_near_the_exact_direction(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    found = plain.orthogonal(matrix)
    torch.testing.assert_close(found, orthogonal(matrix).double(), rtol=0, atol=2e-5)  # which is float32 inside
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    s = s / s.square().sum().sqrt()
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(found, u @ s.diag() @ v)
    assert 0.68 < s.min() <= s.max() < 1.21


def test_three_steps_of_muon_are_the_optimizers():
    model = torch.nn.Sequential(torch.nn.Linear(4, 6, bias=False))
    torch.manual_seed(0)
    weight, momentum = model[0].weight.detach().clone(), torch.zeros(6, 4)
    optimizer = Muon(model, lr=0.1, weight_decay=0.0, beta2=0.95)
    for _ in range(3):
        gradient = torch.randn(6, 4)
        plain.muon_step(weight, gradient, momentum, 0.1)
        model[0].weight.grad = gradient.clone()
        optimizer.step()
    torch.testing.assert_close(weight, model[0].weight.detach())


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_together_make_the_step_of_one(ranks):
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, (4, 6), generator=generator)
    targets = torch.randint(5, (4, 6), generator=generator)

    def work(rank, all_reduce):
        model = Bigram()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        for _ in range(3):
            loss = plain.parallel_step(
                model, optimizer, ids, targets, 0.2, rank=rank, ranks=ranks, all_reduce=all_reduce
            )
        return loss, model.state_dict()

    model = Bigram()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(3):
        expected = plain.gradient_step(model, optimizer, [(ids, targets)], 0.2)
    for loss, weights in on_ranks(ranks, work):
        assert loss == pytest.approx(expected)
        torch.testing.assert_close(weights, dict(model.state_dict()))
