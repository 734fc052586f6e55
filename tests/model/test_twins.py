"""`plain` and `fused` compute the same: values and gradients, on random shapes, and as whole models."""

import math
from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nextword.model import GPT, GPTConfig, blocked_attention, fused, head_loss, plain
from nextword.native import library
from nextword.native import training as native

sizes = st.integers(1, 9)
seeds = st.integers(0, 10_000)
needs_kernels = pytest.mark.skipif(library() is None, reason="there is no C compiler here (Debian: apt install gcc)")


def same(function: str, *inputs: Tensor, **settings: object) -> None:
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


@given(sizes, sizes, sizes, sizes, sizes, seeds)
@settings(max_examples=40, deadline=None)
def test_causal_attention_where_each_row_sees_something_else(B: int, H: int, T: int, S: int, D: int, seed: int) -> None:
    visible = torch.rand(B, 1, T, S, generator=torch.Generator().manual_seed(seed + 3)) < 0.5
    visible[..., 0] = True  # at least one
    shapes = (B, H, T, D), (B, H, S, D), (B, H, S, D)
    q, k, v = (randn(seed + i, *shape) for i, shape in enumerate(shapes))
    same("causal_attention", q, k, v, visible=visible)


class AppleGPU(torch.Tensor):
    """A tensor that says that it is on an Apple GPU."""

    @property
    def device(self) -> torch.device:
        return torch.device("mps")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_nothing_leaks_through_the_mask_of_apples_kernel(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a kernel that has that fault (pytorch#195910): four queries share one row of its own mask."""
    kernel = torch.nn.functional.scaled_dot_product_attention

    def faulty(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False, **_: object):
        if is_causal and q.dtype != torch.float32:
            last = torch.arange(q.size(-2)) // 4 * 4 + 3
            attn_mask, is_causal = torch.arange(k.size(-2)) <= last[:, None], False
        return kernel(q, k, v, attn_mask=attn_mask, is_causal=is_causal)

    monkeypatch.setattr("torch.nn.functional.scaled_dot_product_attention", faulty)
    q, k, v = (randn(seed, 1, 2, 9, 4).to(dtype) for seed in range(3))
    there = fused.causal_attention(*(x.as_subclass(AppleGPU) for x in (q, k, v))).as_subclass(Tensor)
    expected = plain.causal_attention(q.double(), k.double(), v.double())
    torch.testing.assert_close(there.double(), expected, rtol=0, atol=0.03)


@given(sizes, sizes, sizes, sizes, seeds)
@settings(max_examples=40, deadline=None)
def test_causal_weights(B: int, H: int, T: int, past: int, seed: int) -> None:
    for S in (T, T + past):
        same("causal_weights", randn(seed, B, H, T, S) * 3)


@given(sizes, sizes, st.integers(1, 50), seeds)
@settings(max_examples=40, deadline=None)
def test_cross_entropy(B: int, T: int, V: int, seed: int) -> None:
    targets = torch.randint(V, (B, T), generator=torch.Generator().manual_seed(seed))
    same("cross_entropy", randn(seed, B, T, V) * 5, targets)


@given(sizes, sizes, st.integers(1, 9), st.integers(1, 50), st.sampled_from([1, 2000, 10**6]), seeds)
@settings(max_examples=60, deadline=None)
def test_head_loss_in_chunks_of_any_size(B: int, T: int, C: int, V: int, chunk: int, seed: int) -> None:
    targets = torch.randint(V, (B, T), generator=torch.Generator().manual_seed(seed))
    with patch.object(head_loss, "CPU_CHUNK", chunk):
        same("head_loss", randn(seed, B, T, C) * 2, randn(seed + 1, V, C), targets)


formats = pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 3e-6), (torch.bfloat16, 2e-2)])
"""What products are computed in; the error that is allowed, of the largest number there is."""


def near(function: str, *inputs: Tensor, dtype: torch.dtype, tolerance: float, **settings: float) -> None:
    """The fused twin in this format is what the plain one computes, from the same numbers, in float64."""
    results = []
    for twin, kind in ((plain, torch.float64), (fused, dtype)):
        leaves = [x.to(dtype).to(kind).requires_grad_() if x.is_floating_point() else x for x in inputs]
        y = getattr(twin, function)(*leaves, **settings)
        weight = torch.linspace(0.5, 1.5, y.numel()).to(dtype).to(y.dtype).view_as(y)
        (y * weight).sum().backward()
        results.append([y.detach(), *(x.grad for x in leaves if x.grad is not None)])
    for expected, found in zip(*results, strict=True):
        assert expected is not None
        assert found is not None
        error = (found.double() - expected).abs().max()
        assert error <= tolerance * expected.abs().max(), (function, error / expected.abs().max())


@pytest.mark.parametrize("chunk", [2**12, 2**27])
@formats
def test_head_loss_with_our_kernels(dtype: torch.dtype, tolerance: float, chunk: int) -> None:
    targets = torch.randint(301, (3, 7), generator=torch.Generator().manual_seed(1))
    with patch.object(head_loss, "CPU_CHUNK", chunk):
        near("head_loss", randn(1, 3, 7, 24), randn(2, 301, 24), targets, dtype=dtype, tolerance=tolerance)


def test_head_loss_without_a_gradient_is_the_same_number() -> None:
    x, weight = randn(1, 2, 5, 8).float().requires_grad_(), randn(2, 61, 8).float().requires_grad_()
    targets = torch.arange(10).view(2, 5)
    loss = fused.head_loss(x, weight, targets)
    with torch.no_grad():
        assert torch.equal(fused.head_loss(x, weight, targets), loss)


def test_head_loss_gives_only_the_gradients_that_are_wanted() -> None:
    for wanted in ((True, False), (False, True)):
        x, weight = (y.requires_grad_(on) for y, on in zip((randn(1, 5, 8), randn(2, 61, 8)), wanted, strict=True))
        fused.head_loss(x, weight, torch.arange(5)).backward()
        assert ((x.grad is not None), (weight.grad is not None)) == wanted


@pytest.mark.parametrize("target", [-1, 61])
def test_head_loss_refuses_targets_out_of_range(target: int) -> None:
    with pytest.raises((ValueError, IndexError, RuntimeError), match=r"targets must be from 0 to 60|out of"):
        fused.head_loss(torch.zeros(1, 8), torch.zeros(61, 8), torch.tensor([target]))


@pytest.mark.parametrize("wrong", [torch.int32, torch.int16, torch.float32])
def test_head_loss_refuses_targets_that_are_not_int64(wrong: torch.dtype) -> None:
    x, weight, targets = torch.zeros(2, 8), torch.zeros(61, 8), torch.tensor([1, 2], dtype=wrong)
    message = rf"targets must be int64 \(torch.long\), not {wrong}: convert them with targets.long\(\)."
    with pytest.raises(ValueError, match=message):
        fused.head_loss(x, weight, targets)


def test_head_loss_reads_targets_in_any_layout() -> None:
    x, weight = randn(1, 10, 8).float(), randn(2, 61, 8).float()
    spread = torch.arange(20)[::2]
    assert not spread.is_contiguous()
    assert torch.equal(fused.head_loss(x, weight, spread), fused.head_loss(x, weight, spread.contiguous()))


@needs_kernels
@pytest.mark.parametrize(
    "dtype, n, message", [(torch.int32, 3, "must be int64"), (torch.int64, 2, r"the shape \(3,\)")]
)
def test_the_kernel_never_reads_targets_that_are_not_there(dtype: torch.dtype, n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native.surprisal(torch.zeros(3, 61), torch.zeros(n, dtype=dtype), 0.0)


@needs_kernels
def test_gradients_of_gradients_are_refused() -> None:
    """Our own ways back are not differentiable themselves: without a word the result would be wrong."""
    with patch.object(fused, "blocks_pay", lambda q, k, dropout: blocked_attention.fits(q, k)):
        for function, shapes in (("gelu", [(2, 3)]), ("causal_attention", [(1, 1, 4, 2)] * 3)):
            inputs = [randn(seed, *shape).float().requires_grad_() for seed, shape in enumerate(shapes)]
            refuses_gradients_of_gradients(getattr(fused, function)(*inputs).square().sum(), inputs)
    x, weight = randn(1, 5, 8).requires_grad_(), randn(2, 61, 8).requires_grad_()
    refuses_gradients_of_gradients(fused.head_loss(x, weight, torch.arange(5)).square(), [x, weight])


def refuses_gradients_of_gradients(y: Tensor, inputs: list[Tensor]) -> None:
    gradients = torch.autograd.grad(y, inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.stack([gradient.sum() for gradient in gradients]).sum().backward()


def test_a_compiled_head_loss_has_the_same_gradient() -> None:
    """As training on a GPU compiles it: in one piece, its way back included."""
    x, weight, targets = randn(1, 5, 8), randn(2, 61, 8), torch.arange(5)
    found = []
    for function in (fused.head_loss, torch.compile(fused.head_loss, fullgraph=True, backend="aot_eager")):
        leaves = x.clone().requires_grad_(), weight.clone().requires_grad_()
        (function(*leaves, targets) * 3).backward()
        found.append([leaf.grad for leaf in leaves])
    torch.testing.assert_close(found[0], found[1])


def test_an_embedding_that_is_also_the_head_gets_both_gradients(model: GPT, config: GPTConfig, ids: Tensor) -> None:
    twin = GPT(config, ops=plain).eval()
    twin.load_state_dict(model.state_dict())
    for one in (model.double(), twin.double()):
        one.ops.head_loss(one.trunk(ids), one.wte.weight, ids.roll(-1, 1)).backward()
    torch.testing.assert_close(model.wte.weight.grad, twin.wte.weight.grad, rtol=1e-9, atol=1e-11)


@formats
def test_gelu_with_our_kernels(dtype: torch.dtype, tolerance: float) -> None:
    near("gelu", torch.linspace(-60, 60, 4001, dtype=torch.float64), dtype=dtype, tolerance=tolerance)
    assert fused.gelu(torch.tensor([math.nan], dtype=dtype)).isnan().all()


@needs_kernels
@pytest.mark.parametrize("T", [1, 7, 128, 129, 300])
@pytest.mark.parametrize("scores", [1, 2**22])
@formats
def test_attention_in_blocks(dtype: torch.dtype, tolerance: float, T: int, scores: int) -> None:
    """Of lengths that fill blocks and that do not, a head at a time and all together, in both formats."""
    q, k, v = (randn(seed, 2, 3, T, 16) for seed in (1, 2, 3))
    with patch.object(blocked_attention, "SCORES", scores), patch.object(fused, "blocks_pay", lambda *_: True):
        near("causal_attention", q, k, v, dtype=dtype, tolerance=tolerance)


@needs_kernels
def test_dropped_attention_drops_the_same_on_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """With v = identity the result shows which weights were dropped; by these the plain gradient is computed."""
    T, p = 40, 0.3
    q, k = (randn(seed, 2, 2, T, T).float().requires_grad_() for seed in (1, 2))
    v = torch.eye(T).expand(2, 2, T, T).clone().requires_grad_()
    monkeypatch.setattr(blocked_attention, "BLOCK", 16)
    y = fused.causal_attention(q, k, v, dropout=p)
    kept = (y.detach() != 0).float() / (1 - p)
    assert len({tuple(rows.flatten().tolist()) for rows in kept.flatten(0, 1)}) == 4  # each head its own
    weight = torch.linspace(-1, 1, y.numel()).view_as(y)
    found = torch.autograd.grad((y * weight).sum(), (q, k, v))
    visible = torch.ones(T, T, dtype=torch.bool).tril()
    weights = plain.softmax((q @ k.mT / math.sqrt(T)).masked_fill(~visible, -math.inf))
    expected = torch.autograd.grad(((weights * kept) @ v * weight).sum(), (q, k, v))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", ["drop", "causal_attention"])
def test_dropout_has_the_same_distribution(function: str) -> None:
    shape = (1, 1, 200, 200)
    call: dict[str, Callable[[object], Tensor]] = {
        "drop": lambda twin: twin.drop(torch.ones(shape), 0.25),  # type: ignore[attr-defined]
        # Equal scores and v = identity: the result is the dropped weights themselves.
        "causal_attention": lambda twin: twin.causal_attention(  # type: ignore[attr-defined]
            torch.zeros(shape, requires_grad=True), torch.zeros(shape), torch.eye(200).expand(shape), dropout=0.25
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
