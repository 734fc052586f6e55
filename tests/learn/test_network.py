"""The reference that exercises are checked against, itself checked against transformers' GPT-2 and our own."""

from collections.abc import Callable

import pytest
import torch
from reference import theirs
from torch import nn

from nextword.learn.building import build, weights
from nextword.learn.fixture import CONFIG, numbers, token_ids
from nextword.learn.network import ReferenceAttention, ReferenceBlock, ReferenceGPT, ReferenceLayerNorm, ReferenceMLP
from nextword.model import GPT
from nextword.model.attention import CausalSelfAttention
from nextword.model.block import MLP, Block, LayerNorm

PAIRS: list[tuple[str, Callable[..., nn.Module], Callable[..., nn.Module]]] = [
    ("layer_norm", ReferenceLayerNorm, LayerNorm),
    ("attention", ReferenceAttention, CausalSelfAttention),
    ("mlp", ReferenceMLP, MLP),
    ("block", ReferenceBlock, Block),
]


@pytest.mark.parametrize("T", [1, 7, 16])
def test_without_mistakes_it_is_transformers_gpt2(T: int) -> None:
    ours = GPT(CONFIG)
    ours.load_state_dict(weights(CONFIG, "gpt"))
    reference = build(ReferenceGPT, CONFIG, "gpt", weights(CONFIG, "gpt"))
    ids = token_ids(3, T)
    with torch.no_grad():
        logits = reference(ids)
        torch.testing.assert_close(logits, theirs(ours).double()(ids).logits, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(logits, ours.double().eval()(ids), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("kind", "reference", "own"), PAIRS, ids=[pair[0] for pair in PAIRS])
def test_its_parts_are_ours(kind: str, reference: Callable[..., nn.Module], own: Callable[..., nn.Module]) -> None:
    tensors, x = weights(CONFIG, kind), numbers(2, 5, 12)
    expected = build(own, CONFIG, kind, tensors)(x)
    found = build(reference, CONFIG, kind, tensors)(x)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected.double(), rtol=1e-5, atol=1e-5)


def test_it_has_our_parameters_names() -> None:
    assert list(ReferenceGPT(CONFIG).state_dict()) == list(GPT(CONFIG).state_dict())


def test_it_does_not_read_more_than_n_ctx_tokens() -> None:
    with pytest.raises(ValueError, match="17 tokens are more than n_ctx = 16"):
        ReferenceGPT(CONFIG)(token_ids(1, 17))


def test_a_name_that_it_does_not_know_changes_nothing() -> None:
    tensors, ids = weights(CONFIG, "gpt"), token_ids(1, 5)
    right = build(ReferenceGPT, CONFIG, "gpt", tensors)(ids)
    assert torch.equal(build(lambda c: ReferenceGPT(c, frozenset({"x"})), CONFIG, "gpt", tensors)(ids), right)
