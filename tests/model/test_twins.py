"""`plain` and `fused` compute the same: values and gradients, on random shapes, and as whole models."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.model import GPT, GPTConfig, fused, plain

sizes = st.integers(1, 9)
seeds = st.integers(0, 10_000)


def same(function: str, *inputs: Tensor, **settings: float) -> None:
    """Both twins give the same value, and the same gradient for every input that can have one."""
    results = []
    for twin in (plain, fused):
        leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
        y = getattr(twin, function)(*leaves, **settings)
        weight = torch.linspace(0.5, 1.5, y.numel(), dtype=y.dtype).view_as(y)
        (y * weight).sum().backward()
        results.append((y.detach(), [x.grad for x in leaves if x.requires_grad]))
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-11)


def randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(sizes, sizes, st.integers(2, 9), seeds)
@settings(max_examples=40, deadline=None)
def test_layer_norm(B: int, T: int, C: int, seed: int) -> None:
    same("layer_norm", randn(seed, B, T, C) * 3 + 1, randn(seed + 1, C), randn(seed + 2, C))


@given(sizes, sizes, seeds)
@settings(max_examples=40, deadline=None)
def test_gelu(B: int, C: int, seed: int) -> None:
    same("gelu", randn(seed, B, C) * 3)


@given(sizes, sizes, sizes, sizes, sizes, seeds)
@settings(max_examples=80, deadline=None)
def test_causal_attention_with_and_without_a_past(B: int, H: int, T: int, past: int, D: int, seed: int) -> None:
    for S in (T, T + past):
        same(
            "causal_attention",
            randn(seed, B, H, T, D),
            randn(seed + 1, B, H, S, D),
            randn(seed + 2, B, H, S, D),
        )


@given(sizes, sizes, st.integers(1, 50), seeds)
@settings(max_examples=40, deadline=None)
def test_cross_entropy(B: int, T: int, V: int, seed: int) -> None:
    targets = torch.randint(V, (B, T), generator=torch.Generator().manual_seed(seed))
    same("cross_entropy", randn(seed, B, T, V) * 5, targets)


@pytest.mark.parametrize("function", ["drop", "causal_attention"])
def test_dropout_has_the_same_distribution(function: str) -> None:
    shape = (1, 1, 200, 200)
    call: dict[str, Callable[[object], Tensor]] = {
        "drop": lambda twin: twin.drop(torch.ones(shape), 0.25),  # type: ignore[attr-defined]
        # Equal scores and v = identity: the result is the dropped weights themselves.
        "causal_attention": lambda twin: twin.causal_attention(  # type: ignore[attr-defined]
            torch.zeros(shape), torch.zeros(shape), torch.eye(200).expand(shape), dropout=0.25
        ),
    }
    for twin in (plain, fused):
        torch.manual_seed(3)
        y = call[function](twin)
        where_one_would_be = torch.ones(200, 200).tril().bool()
        assert abs((y[0, 0][where_one_would_be] == 0).float().mean().item() - 0.25) < 0.02
        assert abs(y.sum(-1).mean().item() / (200 if function == "drop" else 1) - 1.0) < 0.03


def test_whole_models_agree_in_logits_and_every_gradient(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    twin = GPT(config, ops=plain).eval()
    twin.load_state_dict(model.state_dict())
    gradients = []
    for one in (model.double(), twin.double()):
        loss = one.ops.cross_entropy(one(ids), ids.roll(-1, 1))
        loss.backward()
        gradients.append({name: p.grad for name, p in one.named_parameters()})
    torch.testing.assert_close(model(ids), twin(ids), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-8, atol=1e-11)
    assert all(gradient.abs().max() > 0 for gradient in gradients[0].values())  # nothing is left out
