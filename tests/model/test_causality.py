"""Leaks of many kinds, each planted in attention or beside it, are found; without them nothing is."""

import math
from types import SimpleNamespace

import pytest
import torch

from nextword.model import GPT, GPTConfig, fused, plain
from nextword.model.causality import find_leak

CONFIG = GPTConfig(n_vocab=61, n_ctx=80, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
CPU = torch.device("cpu")


def attention(visible_of, transform=lambda weights, visible: weights):
    """Make causal_attention with another mask: visible_of(T, S) -> (T, S) or (H, T, S) of bool."""

    def causal_attention(q, k, v, dropout=0.0, visible=None):
        shown = visible_of(q.size(-2), k.size(-2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
        weights = scores.masked_fill(~shown, -math.inf).softmax(-1)
        return transform(weights, shown) @ v

    return causal_attention


def lower(T, S):
    return torch.ones(T, S, dtype=torch.bool).tril(S - T)


def one_head_unmasked(T, S):
    masks = lower(T, S).repeat(3, 1, 1)
    masks[1] = True
    return masks


def four_queries_share_a_row(T, S):  # as in PyTorch on Apple's GPUs in half precision
    rows = (torch.arange(T) // 4 * 4 + 3).clamp(max=T - 1)
    return lower(T, S)[rows]


def from_the_second_half_on(T, S):
    mask = lower(T, S)
    mask[T // 2 :, T // 2 :] = True
    return mask


def masked_after_the_softmax(q, k, v, dropout=0.0, visible=None):
    weights = (q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))).softmax(-1)
    return weights.tril() @ v


def added_ones_and_zeros(q, k, v, dropout=0.0, visible=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return (scores + lower(*scores.shape[-2:]).float()).softmax(-1) @ v


def softmax_over_the_queries(q, k, v, dropout=0.0, visible=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return scores.masked_fill(~lower(*scores.shape[-2:]), -1e9).softmax(-2) @ v


def norm_over_the_whole_text(x, weight, bias, eps=1e-5):
    return (x - x.mean((-2, -1), keepdim=True)) / (x.var((-2, -1), keepdim=True) + eps).sqrt() * weight + bias


LEAKS = {
    "no mask": {"causal_attention": attention(lambda T, S: torch.ones(T, S, dtype=torch.bool))},
    "one too many": {"causal_attention": attention(lambda T, S: lower(T, S) | lower(T, S).roll(-1, 0))},
    "triu for tril": {"causal_attention": attention(lambda T, S: torch.ones(T, S, dtype=torch.bool).triu())},
    "one head unmasked": {"causal_attention": attention(one_head_unmasked)},
    "four queries share a row": {"causal_attention": attention(four_queries_share_a_row)},
    "from the second half on": {"causal_attention": attention(from_the_second_half_on)},
    "masked after the softmax": {"causal_attention": masked_after_the_softmax},
    "ones and zeros are added": {"causal_attention": added_ones_and_zeros},
    "softmax over the queries": {"causal_attention": softmax_over_the_queries},
    "norm over the whole text": {"layer_norm": norm_over_the_whole_text},
    "GELU of the next token": {"gelu": lambda x: plain.gelu(x.roll(-1, -2))},
    "a window around each token": {"gelu": lambda x: plain.gelu((x.roll(-1, -2) + x + x.roll(1, -2)) / 3)},
}


def model_with(functions, std=0.02):
    torch.manual_seed(0)
    model = GPT(CONFIG, ops=SimpleNamespace(**{**vars(plain), **functions})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= std / 0.02 if parameter.dim() == 2 else 1.0
    return model


def leak(model, device=CPU):
    return find_leak(model, CONFIG.n_vocab, CONFIG.n_ctx, device)


@pytest.mark.parametrize("std", [0.02, 0.3])  # before the first step, and trained
@pytest.mark.parametrize("kind", LEAKS)
def test_planted_leaks_are_found(kind, std):
    found = leak(model_with(LEAKS[kind], std))
    assert found is not None
    assert found.startswith("The logits at position ")
    assert found.endswith("the model sees what it is to predict")


def test_a_leak_in_the_last_block_alone_is_found():
    model = model_with({})
    model.h[-1].attn.ops = SimpleNamespace(**{**vars(plain), **LEAKS["one too many"]})
    assert leak(model) is not None


@pytest.mark.parametrize("ops", [plain, fused])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_right_models_have_none(ops, dtype):
    torch.manual_seed(0)
    model = GPT(CONFIG, ops=ops).eval()
    assert leak(model) is None
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        assert leak(model) is None


def test_weights_that_are_not_finite_are_another_matter():
    model = model_with({})
    model.wte.weight.data[3] = math.nan
    assert leak(model) is None


def test_models_of_the_least_size_have_nothing_to_leak():
    assert find_leak(lambda ids: torch.zeros(*ids.shape, 1), 1, 8, CPU) is None
    assert find_leak(lambda ids: torch.zeros(*ids.shape, 5), 5, 1, CPU) is None
    tiny = GPTConfig(n_vocab=2, n_ctx=2, n_embd=4, n_head=1, n_layer=1, dropout=0.0)
    assert find_leak(GPT(tiny).eval(), 2, 2, CPU) is None
