"""An update by our kernels, by PyTorch's, and by AdamW's formula in float64."""

import math
from types import SimpleNamespace

import pytest
import torch

from nextword.errors import TrainingError
from nextword.model import GPT, GPTConfig
from nextword.native import library
from nextword.train.low_precision import LowPrecisionCopy
from nextword.train.optimizer import make_optimizer
from nextword.train.update import NativeUpdate, PlainUpdate, TorchUpdate, make_update

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
LR, DECAY, BETA2, CLIP = 0.01, 0.5, 0.95, 0.3

needs_kernels = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")
updates = pytest.mark.parametrize("kind", [pytest.param(NativeUpdate, marks=needs_kernels), TorchUpdate, PlainUpdate])
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


def begin(kind, dtype):
    torch.manual_seed(0)
    working = LowPrecisionCopy(GPT(SMALL), dtype)
    optimizer = make_optimizer(working.model if dtype == torch.float32 else Masters(working), LR, DECAY, BETA2)
    return working, optimizer, kind(working, optimizer, CLIP)


class Masters(torch.nn.Module):
    """The masters of a working copy, as a module, for an optimizer to find them."""

    def __init__(self, working):
        super().__init__()
        self.all = torch.nn.ParameterList(working.masters)


def give_gradients(working, step):
    generator = torch.Generator().manual_seed(step)
    for weight in working.weights:
        weight.grad = torch.randn(weight.shape, generator=generator).to(weight.dtype) * 0.1


@updates
@dtypes
def test_three_updates_by_the_formula(kind, dtype):
    working, _, update = begin(kind, dtype)
    expected = [master.detach().double() for master in working.masters]
    m = [torch.zeros_like(p) for p in expected]
    v = [torch.zeros_like(p) for p in expected]
    for t in (1, 2, 3):
        give_gradients(working, t)
        gradients = [gradient.double() for gradient in working.gradients()]
        norm = math.sqrt(sum(g.square().sum().item() for g in gradients))
        assert update(torch.tensor(1.0), LR).item() == pytest.approx(norm, rel=1e-5)
        assert norm > CLIP
        for i, g in enumerate(gradients):
            g = g * CLIP / (norm + 1e-6)
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = BETA2 * v[i] + (1 - BETA2) * g * g
            direction = m[i] / (1 - 0.9**t) / (torch.sqrt(v[i] / (1 - BETA2**t)) + 1e-8)
            decay = DECAY if expected[i].dim() == 2 else 0.0
            expected[i] = expected[i] - LR * (direction + decay * expected[i])
    for master, copy, p in zip(working.masters, working.copies(), expected, strict=True):
        torch.testing.assert_close(master.detach().double(), p, rtol=1e-5, atol=1e-6)
        assert copy is None or torch.equal(copy, master.detach().to(torch.bfloat16))
    assert all(p.grad is None for p in (*working.masters, *working.weights))


@needs_kernels
@dtypes
def test_all_leave_the_same_state(dtype):
    """So that a run that began with the one can go on with the other, and its checkpoint looks the same."""
    states = []
    for kind in (NativeUpdate, TorchUpdate, PlainUpdate):
        working, optimizer, update = begin(kind, dtype)
        for step in (1, 2):
            give_gradients(working, step)
            update(torch.tensor(1.0), LR)
        states.append([optimizer.state[master] for master in working.masters])
    for ours, *others in zip(*states, strict=True):
        for theirs in others:
            assert ours.keys() == theirs.keys() == {"step", "exp_avg", "exp_avg_sq"}
            for key, value in theirs.items():
                assert (ours[key].dtype, ours[key].shape) == (value.dtype, value.shape)
                torch.testing.assert_close(ours[key], value, rtol=1e-5, atol=1e-9)


@updates
@dtypes
@pytest.mark.parametrize("where", ["loss", "gradient"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_moves_nothing(kind, dtype, where, value):
    working, optimizer, update = begin(kind, dtype)
    give_gradients(working, 1)
    update(torch.tensor(1.0), LR)
    before = [x.detach().clone() for x in (*working.masters, *working.weights)]
    moments = [optimizer.state[master]["exp_avg"].clone() for master in working.masters]
    give_gradients(working, 2)
    if where == "gradient":
        working.weights[3].grad.view(-1)[5] = value
    norm = update(torch.tensor(value if where == "loss" else 1.0), LR)
    assert math.isfinite(norm.item()) == (where == "loss")
    after = [*working.masters, *working.weights]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    states = [optimizer.state[master] for master in working.masters]
    assert all(torch.equal(x, state["exp_avg"]) for x, state in zip(moments, states, strict=True))
    assert all(state["step"] == 1 for state in states)


def test_without_waiting_nothing_moves_any_more_after_a_failure():
    """The next update is launched before anyone has seen the numbers of the one that failed."""
    working, _, update = begin(TorchUpdate, torch.float32)
    give_gradients(working, 1)
    working.weights[0].grad[0, 0] = math.nan
    before = [master.detach().clone() for master in working.masters]
    update(torch.tensor(1.0), LR)
    give_gradients(working, 2)
    update(torch.tensor(1.0), LR)
    assert all(torch.equal(x, y) for x, y in zip(before, working.masters, strict=True))


@needs_kernels
def test_the_number_of_threads_changes_no_digit():
    norms, weights = [], []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            working, _, update = begin(NativeUpdate, torch.bfloat16)
            for weight in working.weights:
                weight.grad = torch.linspace(-1, 1, weight.numel()).view_as(weight).to(weight.dtype)
            norms.append(update(torch.tensor(1.0), LR).item())
            weights.append([master.detach().clone() for master in working.masters])
    finally:
        torch.set_num_threads(before)
    assert norms[0] == norms[1]
    assert all(torch.equal(x, y) for x, y in zip(*weights, strict=True))


def test_our_kernels_are_taken_where_they_fit(monkeypatch):
    working, optimizer, _ = begin(TorchUpdate, torch.bfloat16)
    assert isinstance(make_update(working, optimizer, CLIP), NativeUpdate if library() else TorchUpdate)
    monkeypatch.setattr("nextword.native.training.library", lambda: None)
    assert isinstance(make_update(working, optimizer, CLIP), TorchUpdate)


def test_apples_kernel_is_asked_for_nothing_that_it_ignores():
    elsewhere = [SimpleNamespace(device=torch.device("mps"))]
    working = SimpleNamespace(masters=elsewhere, weights=elsewhere)
    assert isinstance(make_update(working, None, CLIP), PlainUpdate)
    working, optimizer, update = begin(PlainUpdate, torch.float32)
    give_gradients(working, 1)
    update(torch.tensor(1.0), LR)
    assert not hasattr(optimizer, "grad_scale")
    assert not hasattr(optimizer, "found_inf")


@updates
def test_a_parameter_without_a_gradient_is_named(kind):
    """Or each gradient after it would go to the wrong parameter."""
    working, _, update = begin(kind, torch.bfloat16)
    give_gradients(working, 1)
    working.weights[4].grad = None
    before = [master.detach().clone() for master in working.masters]
    name = list(dict(working.model.named_parameters()))[4]
    with pytest.raises(TrainingError, match=f"{name} has no gradient: every parameter must take part in the loss"):
        update(torch.tensor(1.0), LR)
    assert all(torch.equal(x, y) for x, y in zip(before, working.masters, strict=True))
