import pytest
import torch

from nextword.model import GPT, GPTConfig
from nextword.train.low_precision import LowPrecisionCopy

SMALL = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(SMALL)


def test_in_float32_it_is_the_model_itself(model):
    working = LowPrecisionCopy(model, torch.float32)
    assert working.model is model
    assert working.copies() == [None] * len(list(model.parameters()))


def test_matrices_are_copied_and_the_rest_is_shared(model):
    working = LowPrecisionCopy(model, torch.bfloat16)
    assert working.model.wte.weight is working.weights[0]
    for (name, master), weight in zip(model.named_parameters(), working.weights, strict=True):
        if weight is master:
            assert "ln_" in name or name.endswith("bias") or name in ("wte.weight", "wpe.weight")
        else:
            assert weight.dtype == torch.bfloat16
            assert torch.equal(weight, master.to(torch.bfloat16))
        assert master.dtype == torch.float32
    assert sum(weight is not master for weight, master in zip(working.weights, working.masters, strict=True)) == 8


def test_making_one_draws_no_random_numbers(model):
    before = torch.get_rng_state()
    LowPrecisionCopy(model, torch.bfloat16)
    assert torch.equal(torch.get_rng_state(), before)


def test_refreshed_copies_equal_their_masters(model):
    working = LowPrecisionCopy(model, torch.bfloat16)
    with torch.no_grad():
        for master in working.masters:
            master.mul_(1.7)
    working.refresh()
    for master, copy in zip(working.masters, working.copies(), strict=True):
        assert copy is None or torch.equal(copy, master.to(torch.bfloat16))


def test_gathered_gradients_add_up_in_float32(model):
    """256 + 1 is 256 in bfloat16."""
    working = LowPrecisionCopy(model, torch.bfloat16)
    for value in (256.0, 1.0):
        for weight in working.weights:
            gradient = torch.full_like(weight, value)
            weight.grad = gradient if weight.grad is None else weight.grad + gradient
        working.gather()
    assert all(gradient.dtype == torch.float32 for gradient in working.gradients())
    assert all(gradient.eq(257).all() for gradient in working.gradients())
    working.clear_gradients()
    assert set(working.gradients_by_name().values()) == {None}
