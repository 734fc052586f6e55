import math
import re

import pytest
import torch
from torch import nn

from nextword.model import GPT, GPTConfig
from nextword.train.checkpoint import TrainerState
from nextword.train.health import LossWatch, PassedBest, first_not_finite, not_finite
from nextword.train.low_precision import LowPrecisionCopy

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


class PoisonedOnTheWayBack(torch.autograd.Function):
    """Does nothing on the way there, and makes one number of the gradient infinite on the way back."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        gradient.view(-1)[0] = math.inf
        return gradient


def change_attention(block, change):
    """Let one block's attention give something else than it should."""
    attention = block.attn.ops.causal_attention
    changed = {"causal_attention": lambda *args, **kwargs: change(attention(*args, **kwargs))}
    block.attn.ops = type("Ops", (), vars(block.attn.ops) | changed)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(SMALL)


@pytest.fixture
def rerun(model):
    ids = torch.arange(20).view(2, 10)

    def backward():
        loss = model.ops.cross_entropy(model(ids), ids + 1)
        loss.backward()
        return loss.item()

    return backward


@pytest.mark.parametrize(
    "parameter, module",
    [
        ("wte.weight", "wte"),
        ("wpe.weight", "wpe"),
        ("h.0.ln_1.bias", "h.0.ln_1"),
        ("h.0.attn.c_attn.weight", "h.0.attn.c_attn"),
        ("h.0.attn.c_proj.bias", "h.0.attn.c_proj"),
        ("h.1.mlp.c_fc.weight", "h.1.mlp.c_fc"),
        ("ln_f.weight", "ln_f"),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_module_with_a_bad_weight_is_the_first(model, rerun, parameter, module, value):
    with torch.no_grad():
        dict(model.named_parameters())[parameter].view(-1)[0] = value
    assert first_not_finite(LowPrecisionCopy(model, torch.float32), rerun) == f"the output of {module}"


def test_what_is_computed_between_modules_shows_at_the_next_one(model, rerun):
    """A mask that forbids everything: softmax gives NaN, and c_proj is the first module that reads it."""
    change_attention(model.h[1], lambda y: y * math.nan)
    assert first_not_finite(LowPrecisionCopy(model, torch.float32), rerun) == "the output of h.1.attn.c_proj"


def test_a_loss_that_is_wrong_by_itself(model, rerun):
    with torch.no_grad():
        model.wte.weight[60, 0] = math.nan  # a token that is not in the text, but in every softmax
    assert (
        first_not_finite(LowPrecisionCopy(model, torch.float32), rerun)
        == "the loss itself, while the output of every module is finite"
    )


@pytest.mark.parametrize("place", ["h.0.ln_1", "h.0.mlp.c_fc", "h.1.attn.c_proj", "ln_f"])
def test_only_the_gradient(model, rerun, place):
    module = model.get_submodule(place)
    forward = module.forward
    module.forward = lambda x: PoisonedOnTheWayBack.apply(forward(x))
    assert first_not_finite(LowPrecisionCopy(model, torch.float32), rerun) == f"the gradient at the input of {place}"


def test_a_gradient_that_goes_wrong_between_modules(model, rerun):
    change_attention(model.h[1], PoisonedOnTheWayBack.apply)
    assert (
        first_not_finite(LowPrecisionCopy(model, torch.float32), rerun)
        == "the gradient at the output of h.1.attn.c_attn"
    )


@pytest.mark.filterwarnings("error")
def test_a_gradient_that_goes_wrong_at_an_embedding(model, rerun):
    forward = model.wpe.forward
    model.wpe.forward = lambda ids: PoisonedOnTheWayBack.apply(forward(ids))
    assert first_not_finite(LowPrecisionCopy(model, torch.float32), rerun) == "the gradient of wpe.weight"


def test_only_the_gradient_of_a_parameter(model, rerun):
    model.h[0].ln_1.bias.register_hook(lambda gradient: gradient * math.nan)
    assert first_not_finite(LowPrecisionCopy(model, torch.float32), rerun) == "the gradient of h.0.ln_1.bias"


def test_a_fault_that_does_not_come_again(model, rerun):
    assert "the fault comes and goes" in first_not_finite(LowPrecisionCopy(model, torch.float32), rerun)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["h.0.ln_1.bias", "h.1.mlp.c_fc.weight", None])
def test_gradients_that_are_gathered(model, dtype, name):
    """Over several batches a matrix's gradient is at its master; what the first attempt left does not count."""
    working, ids = LowPrecisionCopy(model, dtype), torch.arange(20).view(2, 10)
    for parameter in (*working.masters, *working.weights):
        parameter.grad = torch.full_like(parameter, math.nan)
    if name is not None:
        dict(working.model.named_parameters())[name].register_hook(lambda gradient: gradient * math.nan)

    def rerun():
        for _ in range(2):
            with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                loss = working.model.ops.cross_entropy(working.model(ids), ids + 1)
            loss.backward()
            working.gather()
        return loss.item()

    found = first_not_finite(working, rerun)
    assert found.startswith("nothing, when computed once more" if name is None else f"the gradient of {name}")


def test_the_search_leaves_no_hooks(model, rerun):
    first_not_finite(LowPrecisionCopy(model, torch.float32), rerun)
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


@pytest.mark.parametrize(
    "loss, norm, what", [(math.nan, 1.0, "The loss is nan"), (5.0, math.inf, "The gradient's norm is inf")]
)
def test_the_message_names_the_step_and_what_helps(loss, norm, what):
    model = nn.Sequential(nn.Linear(1, 1))
    message = not_finite(LowPrecisionCopy(model, torch.float32), 17, loss, norm, rerun=lambda: 1.0)
    assert message.startswith(f"{what} at step 17; the weights are as they were before it. First not finite: ")
    for remedy in ("lower `lr`", "longer `warmup`", "`dtype='float32'`", "check the mask"):
        assert remedy in message


def warnings(losses, start=None):
    watch, start = LossWatch(), losses[0] if start is None else start
    return [message for loss in losses if (message := watch.warning(loss, start))]


def test_a_loss_well_above_its_start_is_told_once():
    told = warnings([10.8, *[10.0] * 20, *[12.0] * 50, *[5.0] * 20, *[99.0] * 50])
    assert len(told) == 1
    assert re.search(r"The loss is diverging: 11\.\d\d over the last 10 steps.*10\.80", told[0])
    assert "lower `lr`" in told[0]


def test_a_few_bad_batches_are_no_divergence():
    assert not warnings([10.8, *[11.2] * 50])  # above, but not well above
    assert not warnings([10.8] + [4.0, 4.0, 4.0, 4.0, 20.0] * 20)
    assert not warnings([1.0, 50.0, 2.0])  # too early to tell


def test_a_run_that_resumes_compares_with_its_own_start():
    assert warnings([4.0] * 10, start=3.0)
    assert not warnings([4.0] * 9, start=3.0)
    assert not warnings([4.0] * 10)


def test_a_passed_best_is_told_once():
    watch = PassedBest()
    progress = TrainerState(step=30, best_val_loss=5.0, best_step=20)
    assert watch.warning(10.9, TrainerState(), passes=2.0) is None  # nothing was learnt yet
    assert watch.warning(5.0, progress, passes=2.0) is None
    assert watch.warning(5.09, progress, passes=2.0) is None  # may be chance
    assert watch.warning(6.0, progress, passes=0.9) is None  # what was read once is not known by heart
    said = watch.warning(5.1, progress, passes=2.0)
    assert "The validation loss was lowest at step 20, 5.000, and is 5.100 now" in said
    assert "best/ keeps that step's weights" in said
    assert watch.warning(9.0, progress, passes=2.0) is None
