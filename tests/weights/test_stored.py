import pytest
import torch

from nextword.errors import WeightsError
from nextword.weights import load_model
from nextword.weights.directory import open_model
from nextword.weights.stored import check, finite, listing


def test_a_model_that_is_whole(saved_reference):
    check(open_model(saved_reference))


def test_missing_tensors_are_named(tamper):
    def change(tensors):
        del tensors["transformer.h.1.mlp.c_fc.bias"], tensors["transformer.ln_f.weight"]

    with pytest.raises(
        WeightsError,
        match=r"model\.safetensors does not fit its configuration "
        r"\(n_vocab = 61, n_ctx = 16, n_embd = 12, n_layer = 2\): "
        r"missing: ln_f\.weight, h\.1\.mlp\.c_fc\.bias\. Make sure",
    ):
        check(open_model(tamper(change)))


def test_unknown_tensors_are_named(tamper):
    def change(tensors):
        tensors["transformer.h.2.ln_1.weight"] = torch.ones(12)
        tensors["score.weight"] = torch.ones(2, 12)

    with pytest.raises(WeightsError, match=r"not part of GPT-2: score\.weight, transformer\.h\.2\.ln_1\.weight\. Make"):
        check(open_model(tamper(change)))


def test_mis_shaped_tensors_are_named_with_both_shapes(tamper):
    def change(tensors):
        weight = tensors["transformer.h.0.attn.c_attn.weight"]
        tensors["transformer.h.0.attn.c_attn.weight"] = weight.T.contiguous()

    with pytest.raises(
        WeightsError,
        match=r"wrong shape: transformer\.h\.0\.attn\.c_attn\.weight is \(36, 12\) and should be \(12, 36\)",
    ):
        check(open_model(tamper(change)))


def test_all_faults_are_told_at_once_but_not_a_thousand_names(tamper):
    def change(tensors):
        return {"a": torch.ones(1), "transformer.wpe.weight": torch.ones(3, 12)}

    with pytest.raises(
        WeightsError,
        match=r"missing: wte\.weight, ln_f\.weight, .*, and 7 more; not part of GPT-2: a; "
        r"of the wrong shape: transformer\.wpe\.weight is \(3, 12\) and should be \(16, 12\)\.",
    ):
        check(open_model(tamper(change)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_the_tensor_with_a_number_that_is_none_is_named(number, dtype, tamper):
    def change(tensors):
        tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        tensors["transformer.h.1.mlp.c_fc.weight"][[4, 7], [30, 2]] = float(number)
        return tensors

    stored = open_model(tamper(change))
    for key, tensor in stored.tensors.items():
        if key != "h.1.mlp.c_fc.weight":
            assert (finite(tensor) == tensor.read()).all()
    message = (
        r"model\.safetensors: transformer\.h\.1\.mlp\.c_fc\.weight holds NaN or infinity in 2 of its 576 numbers, "
        r"first at \[4, 30\]\. Its training diverged"
    )
    with pytest.raises(WeightsError, match=message):
        finite(stored.tensors["h.1.mlp.c_fc.weight"])
    with pytest.raises(WeightsError, match=message):
        load_model(stored.source.parent)


def test_the_largest_and_the_smallest_numbers_are_numbers(tamper):
    def change(tensors):
        limits = torch.finfo(torch.float32)
        tensors["transformer.ln_f.bias"][:4] = torch.tensor([limits.max, limits.min, limits.tiny, 1e-45])

    stored = open_model(tamper(change))
    assert finite(stored.tensors["ln_f.bias"])[0] == torch.finfo(torch.float32).max


def test_quantised_tensors_are_refused(tamper):
    def change(tensors):
        tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"].to(torch.int8)

    with pytest.raises(WeightsError, match=r"model\.safetensors: wte\.weight holds I8: a quantised model"):
        check(open_model(tamper(change)))


def test_a_long_list_of_names_is_cut():
    assert listing(["a", "b"]) == "a, b"
    assert listing([str(n) for n in range(23)]).endswith("18, 19, and 3 more")
