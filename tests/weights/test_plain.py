"""The written-out loading against the fast one, and against transformers."""

import pytest
import torch
from safetensors.torch import load_file
from weights.tiny import TINY

from nextword.model import GPT, GPTConfig, plain
from nextword.weights import load_model
from nextword.weights.names import tensor_names
from nextword.weights.plain import PROJECTIONS, from_huggingface, load_weights, verify

CONFIG = GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.1)
IDS = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def tensors(saved_reference):
    return from_huggingface(load_file(saved_reference / "model.safetensors"))


@pytest.fixture
def model(tensors):
    model = GPT(CONFIG, ops=plain)
    load_weights(model, tensors)
    return model


def logits_of(reference):
    with torch.no_grad():
        return reference(IDS).logits


def test_the_projections_are_those_of_the_table_of_names():
    assert {name.ours for name in tensor_names(3) if name.in_out} == {
        f"h.{layer}.{projection}" for layer in range(3) for projection in PROJECTIONS
    }


def test_every_number_is_where_the_fast_way_puts_it(model, saved_reference):
    fast = load_model(saved_reference).state_dict()
    assert fast.keys() == model.state_dict().keys()
    for name, values in model.state_dict().items():
        assert torch.equal(values, fast[name]), name


def test_logits_are_transformers(model, reference):
    assert verify(model, IDS, logits_of(reference)) < 1e-3


def test_names_as_transformers_itself_has_them(model, reference):
    state = dict(reference.state_dict())
    assert "lm_head.weight" in state
    assert all(name.startswith("transformer.") for name in state if name != "lm_head.weight")
    for layer in range(TINY.n_layer):
        state[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 16, 16)
        state[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    found = from_huggingface(state)
    assert found.keys() == model.state_dict().keys()
    for name, values in model.state_dict().items():
        assert torch.equal(values, found[name]), name


def test_parameters_stay_what_they_were_and_share_nothing(tensors):
    model = GPT(CONFIG)
    before = dict(model.named_parameters())
    load_weights(model, tensors)
    after = dict(model.named_parameters())
    assert all(after[name] is before[name] and after[name].requires_grad for name in before)
    tensors["wte.weight"][0, 0] = 100.0
    assert model.wte.weight[0, 0] != 100.0


def test_what_is_missing_unknown_or_of_another_shape_is_named(tensors):
    model = GPT(CONFIG)
    missing = {name: tensor for name, tensor in tensors.items() if name != "h.1.ln_2.bias"}
    with pytest.raises(ValueError, match=r"missing: \['h\.1\.ln_2\.bias'\]"):
        load_weights(model, missing)
    with pytest.raises(ValueError, match=r"not part of the model: \['lm_head\.weight'\]"):
        load_weights(model, tensors | {"lm_head.weight": tensors["wte.weight"]})
    with pytest.raises(ValueError, match=r"c_attn\.weight is \(12, 36\) and should be \(36, 12\)"):
        load_weights(model, tensors | {"h.0.attn.c_attn.weight": tensors["h.0.attn.c_attn.weight"].T})


def test_a_forgotten_transpose_of_the_square_projection_is_found(tensors, reference):
    model = GPT(CONFIG)
    square = "h.1.attn.c_proj.weight"
    load_weights(model, tensors | {square: tensors[square].T})
    with pytest.raises(ValueError, match="logits differ by"):
        verify(model, IDS, logits_of(reference))


def test_another_number_of_heads_is_found_though_every_shape_fits(tensors, reference):
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=4, n_layer=2))
    load_weights(model, tensors)
    with pytest.raises(ValueError, match="logits differ by"):
        verify(model, IDS, logits_of(reference))


@pytest.mark.parametrize("training", [True, False])
def test_verifying_is_without_dropout_and_leaves_the_mode_as_it_was(model, reference, training):
    model.train(training)
    verify(model, IDS, logits_of(reference))
    assert model.training is training
    assert model.h[0].mlp.training is training


def test_nan_is_not_equal_to_anything(model, reference):
    with torch.no_grad():
        model.ln_f.bias[0] = torch.nan
    with pytest.raises(ValueError, match="differ by nan"):
        verify(model, IDS, logits_of(reference))
