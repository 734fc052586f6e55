import pytest
import torch

from nextword.errors import WeightsError
from nextword.weights import load_model


def test_missing_tensors_are_named(tamper):
    def change(tensors):
        del tensors["transformer.h.1.mlp.c_fc.bias"], tensors["transformer.ln_f.weight"]

    with pytest.raises(
        WeightsError,
        match=r"model\.safetensors does not fit its configuration "
        r"\(n_vocab = 61, n_ctx = 16, n_embd = 12, n_layer = 2\): "
        r"missing: ln_f\.weight, h\.1\.mlp\.c_fc\.bias\. Make sure",
    ):
        load_model(tamper(change))


def test_unknown_tensors_are_named(tamper):
    def change(tensors):
        tensors["transformer.h.2.ln_1.weight"] = torch.ones(12)
        tensors["score.weight"] = torch.ones(2, 12)

    with pytest.raises(WeightsError, match=r"not part of GPT-2: score\.weight, transformer\.h\.2\.ln_1\.weight\. Make"):
        load_model(tamper(change))


def test_mis_shaped_tensors_are_named_with_both_shapes(tamper):
    def change(tensors):
        weight = tensors["transformer.h.0.attn.c_attn.weight"]
        tensors["transformer.h.0.attn.c_attn.weight"] = weight.T.contiguous()

    with pytest.raises(
        WeightsError,
        match=r"wrong shape: transformer\.h\.0\.attn\.c_attn\.weight is \(36, 12\) and should be \(12, 36\)",
    ):
        load_model(tamper(change))


def test_all_faults_are_told_at_once_but_not_a_thousand_names(tamper):
    def change(tensors):
        return {"a": torch.ones(1), "transformer.wpe.weight": torch.ones(3, 12)}

    with pytest.raises(
        WeightsError,
        match=r"missing: wte\.weight, ln_f\.weight, .*, and 7 more; not part of GPT-2: a; "
        r"of the wrong shape: transformer\.wpe\.weight is \(3, 12\) and should be \(16, 12\)\.",
    ):
        load_model(tamper(change))


def test_quantised_tensors_are_refused(tamper):
    def change(tensors):
        tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"].to(torch.int8)

    with pytest.raises(WeightsError, match=r"model\.safetensors: wte\.weight holds torch\.int8: a quantised model"):
        load_model(tamper(change))


def test_loading_draws_nothing_at_random(saved_reference):
    before = torch.get_rng_state()
    load_model(saved_reference)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loaded_model_can_be_trained(saved_reference):
    """Its parameters are its own memory: a step changes them, and not the file."""
    model = load_model(saved_reference)
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in model.parameters())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert load_model(saved_reference).wte.weight.abs().sum() > 0
