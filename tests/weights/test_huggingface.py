"""Against transformers: the same logits, loss and gradients from the same files, and back again."""

import json
from dataclasses import replace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel
from weights.tiny import randomise

from nextword.errors import WeightsError
from nextword.model import GPTConfig, fused, plain
from nextword.weights import huggingface, load_model
from nextword.weights.names import tensor_names

IDS = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))


def assert_same_logits(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4 * float(theirs.abs().max()))


def logits_of(reference, ids=IDS):
    with torch.no_grad():
        return reference(ids).logits


@pytest.mark.parametrize("ops", [plain, fused])
def test_logits_equal_transformers(ops, reference, saved_reference):
    model = load_model(saved_reference, ops=ops)
    assert not model.training
    assert model.config == GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.1)
    assert_same_logits(model(IDS), logits_of(reference))


def test_logits_equal_transformers_at_full_size(tmp_path, monkeypatch):
    monkeypatch.setattr(GPT2LMHeadModel, "_init_weights", lambda self, module: None)  # drawn anew anyway
    reference = randomise(GPT2LMHeadModel(GPT2Config()), std=0.04)
    reference.save_pretrained(tmp_path)
    ids = torch.randint(50257, (1, 16), generator=torch.Generator().manual_seed(2))
    expected = logits_of(reference, ids)
    del reference
    for ops in (plain, fused):
        model = load_model(tmp_path, ops=ops)
        assert sum(parameter.numel() for parameter in model.parameters()) == 124_439_808
        with torch.no_grad():
            assert_same_logits(model(ids), expected)


@pytest.mark.parametrize("ops", [plain, fused])
def test_loss_and_every_gradient_equal_transformers(ops, reference, saved_reference):
    model = load_model(saved_reference, ops=ops)
    loss = ops.cross_entropy(model(IDS)[:, :-1], IDS[:, 1:])
    loss.backward()
    reference.zero_grad()
    expected = reference(IDS, labels=IDS).loss
    expected.backward()
    torch.testing.assert_close(loss, expected)
    theirs = dict(reference.transformer.named_parameters())
    for name in tensor_names(2):
        gradient = theirs[name.ours].grad
        gradient = gradient.T if name.in_out else gradient
        torch.testing.assert_close(model.get_parameter(name.ours).grad, gradient, msg=name.ours, rtol=1e-4, atol=1e-6)


def test_a_forgotten_transpose_of_the_square_projection_would_show(reference, saved_reference, monkeypatch):
    """Its shape cannot tell; so these tests have to."""

    def forgetful(n_layer):
        return [replace(n, in_out=n.in_out and "attn.c_proj" not in n.ours) for n in tensor_names(n_layer)]

    monkeypatch.setattr(huggingface, "tensor_names", forgetful)
    with pytest.raises(AssertionError):
        assert_same_logits(load_model(saved_reference)(IDS), logits_of(reference))


# ---- what else such a directory may hold


def test_names_without_prefix_old_masks_and_a_tied_head(tamper, reference):
    def change(tensors):
        bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
        assert bare.keys() != tensors.keys()
        masks = {f"h.{i}.attn.bias": torch.ones(1, 1, 16, 16).tril() for i in range(2)}
        masks |= {f"h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(2)}
        return bare | masks | {"lm_head.weight": bare["wte.weight"].clone()}

    assert_same_logits(load_model(tamper(change))(IDS), logits_of(reference))


def test_a_head_of_its_own_is_refused(tamper):
    def change(tensors):
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"] + 1

    with pytest.raises(WeightsError, match=r"model\.safetensors: lm_head\.weight differs from wte\.weight"):
        load_model(tamper(change))


def test_a_quantised_head_is_no_reason_for_another_error_than_the_rest(tamper):
    def change(tensors):
        tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"].to(torch.int8)
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()

    with pytest.raises(WeightsError, match=r"wte\.weight holds I8: a quantised model\?"):
        load_model(tamper(change))


def test_a_tensor_under_two_names_is_refused(tamper):
    def change(tensors):
        tensors["wte.weight"] = tensors["transformer.wte.weight"] + 1

    with pytest.raises(WeightsError, match=r"wte\.weight is stored twice; the other is .*wte\.weight"):
        load_model(tamper(change))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_loaded_as_float32(dtype, tmp_path, reference):
    half = GPT2LMHeadModel(reference.config)
    half.load_state_dict(reference.state_dict())
    half.to(dtype).save_pretrained(tmp_path)
    model = load_model(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert_same_logits(model(IDS), logits_of(half.float().eval()))
    assert load_model(tmp_path, dtype=torch.bfloat16).wte.weight.dtype == torch.bfloat16


# ---- several files


@pytest.fixture
def sharded_dir(reference, tmp_path):
    reference.save_pretrained(tmp_path / "sharded", max_shard_size="6KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    return tmp_path / "sharded"


def test_sharded(sharded_dir, reference):
    assert_same_logits(load_model(sharded_dir)(IDS), logits_of(reference))


def test_sharded_errors_name_the_file(sharded_dir):
    files = sorted(sharded_dir.glob("*.safetensors"))
    config = json.loads((sharded_dir / "config.json").read_text())
    (sharded_dir / "config.json").write_text(json.dumps(config | {"vocab_size": 60}))
    with pytest.raises(WeightsError, match=r"wte\.weight \(in model-0000.-of-0000.\.safetensors\) is \(61, 12\)"):
        load_model(sharded_dir)
    files[1].unlink()
    with pytest.raises(WeightsError, match=rf"{files[1].name} is missing, and model\.safetensors\.index\.json lists"):
        load_model(sharded_dir)
    (sharded_dir / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"index\.json has no 'weight_map' from tensors to files"):
        load_model(sharded_dir)


# ---- damage


@pytest.mark.parametrize("keep", [0, 5, 500, -1])
def test_a_file_cut_off(keep, hf_dir):
    file = hf_dir / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"model\.safetensors \(\d+ bytes\) cannot be read as safetensors: "):
        load_model(hf_dir)


def test_a_file_of_something_else(hf_dir):
    (hf_dir / "model.safetensors").write_text("<!DOCTYPE html><title>Not found</title>")
    with pytest.raises(WeightsError, match="If it was cut off or damaged, copy or download it again"):
        load_model(hf_dir)


def same_as_saved(directory, saved_reference):
    right = load_model(saved_reference)
    for name, parameter in load_model(directory).named_parameters():
        assert torch.equal(parameter, right.get_parameter(name)), name


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "_orig_mod.module."])
def test_prefixes_of_compiled_and_distributed_models_mean_nothing(prefix, tamper, saved_reference):
    directory = tamper(lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()})
    same_as_saved(directory, saved_reference)


def test_the_second_head_of_a_model_with_two_is_passed_over(tamper, saved_reference):
    def change(tensors):
        tensors["multiple_choice_head.summary.weight"] = torch.ones(1, 12)
        tensors["multiple_choice_head.summary.bias"] = torch.ones(1)

    same_as_saved(tamper(change), saved_reference)


def test_a_head_that_is_wte_in_half_precision_is_the_same_head(tamper, saved_reference):
    def change(tensors):
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].half()

    same_as_saved(tamper(change), saved_reference)


def test_a_head_in_half_precision_that_is_another_is_refused(tamper):
    def change(tensors):
        tensors["lm_head.weight"] = (tensors["transformer.wte.weight"] + 0.1).half()

    with pytest.raises(WeightsError, match=r"lm_head\.weight differs"):
        load_model(tamper(change))


def test_a_head_that_should_be_there_and_is_not(hf_dir):
    config = json.loads((hf_dir / "config.json").read_text())
    (hf_dir / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    with pytest.raises(WeightsError, match=r"tie_word_embeddings is False, and no lm_head\.weight is stored"):
        load_model(hf_dir)
