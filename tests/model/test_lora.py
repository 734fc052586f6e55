"""LoRA against its formula in float64, and inside a GPT-2."""

import pytest
import torch
from torch import nn

from nextword.model import GPT, GPTConfig
from nextword.model.lora import LoRALinear


@pytest.fixture
def layer() -> LoRALinear:
    torch.manual_seed(0)
    return LoRALinear(nn.Linear(5, 7).double(), rank=2, alpha=6.0)


def test_at_first_nothing_is_changed(layer: LoRALinear) -> None:
    x = torch.randn(3, 5, dtype=torch.float64)
    assert torch.equal(layer(x), layer.linear(x))
    assert layer.A.abs().min() > 0


def test_the_change_is_the_product_of_two_small_matrices(layer: LoRALinear) -> None:
    nn.init.normal_(layer.B)
    x = torch.randn(5, dtype=torch.float64)
    change = sum(layer.B[:, r] * (layer.A[r] @ x) for r in range(2))
    torch.testing.assert_close(layer(x), layer.linear(x) + 3.0 * change)


def test_only_the_two_small_matrices_learn(layer: LoRALinear) -> None:
    before = {name: values.clone() for name, values in layer.state_dict().items()}
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(2):  # A has a gradient as soon as B is no longer zero
        optimizer.zero_grad()
        layer(torch.ones(2, 5, dtype=torch.float64)).square().sum().backward()
        optimizer.step()
    changed = {name for name, values in layer.state_dict().items() if not torch.equal(values, before[name])}
    assert changed == {"A", "B"}


def test_merged_it_is_one_linear_layer_that_does_the_same(layer: LoRALinear) -> None:
    nn.init.normal_(layer.B)
    x = torch.randn(3, 5, dtype=torch.float64)
    y = layer(x)
    merged = layer.merge()
    assert type(merged) is nn.Linear
    torch.testing.assert_close(merged(x), y)
    torch.testing.assert_close(layer(x), y)


def test_in_a_gpt_2_it_changes_nothing_at_first() -> None:
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0))
    ids = torch.arange(8).view(1, 8)
    before = model(ids)
    for block in model.h:
        block.attn.c_attn = LoRALinear(block.attn.c_attn, rank=2, alpha=4.0)
    torch.testing.assert_close(model(ids), before)
