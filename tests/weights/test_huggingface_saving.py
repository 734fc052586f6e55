"""Against transformers, which loads what is saved and computes the same."""

import json

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

from nextword.model import GPT, GPTConfig
from nextword.weights import load_model, save_huggingface
from nextword.weights.names import tensor_names

IDS = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))


def test_what_is_saved_is_a_plain_gpt2(saved_reference, tmp_path):
    save_huggingface(load_model(saved_reference), tmp_path / "new" / "run")
    tensors = load_file(tmp_path / "new" / "run" / "model.safetensors")
    assert set(tensors) == {name.ours for name in tensor_names(2)}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    config = json.loads((tmp_path / "new" / "run" / "config.json").read_text())
    assert config["model_type"] == "gpt2"
    assert config["architectures"] == ["GPT2LMHeadModel"]
    assert config["n_ctx"] == config["n_positions"] == 16
    assert {file.name for file in (tmp_path / "new" / "run").iterdir()} == {
        "config.json",
        "model.safetensors",
    }


def test_transformers_loads_what_is_saved_and_writes_the_same(saved_reference, tmp_path):
    model = load_model(saved_reference)
    save_huggingface(model, tmp_path)
    theirs, report = GPT2LMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    prompt = IDS[:1, :4]
    expected = theirs.generate(prompt, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)
    ids = prompt
    while ids.size(1) < 16:
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)
    assert ids.tolist() == expected.tolist()
    assert len(set(ids[0, 4:].tolist())) > 3  # it is not one token over and over


def test_saving_and_loading_changes_nothing(tmp_path):
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2, dropout=0.25))
    save_huggingface(model, tmp_path)
    again = load_model(tmp_path)
    assert again.config == model.config
    for name, parameter in model.named_parameters():
        assert torch.equal(again.get_parameter(name), parameter), name


def test_saved_files_are_as_readable_as_others(saved_reference, tmp_path):
    save_huggingface(load_model(saved_reference), tmp_path)
    (tmp_path / "other").write_text("")
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_failed_save_leaves_the_old_model(saved_reference, tmp_path, monkeypatch):
    model = load_model(saved_reference)
    save_huggingface(model, tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()

    def disk_full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("nextword.weights.tensor_file.save_file", disk_full)
    with pytest.raises(OSError, match=r"MiB could not be written \(I/O error: No space left on device\)"):
        save_huggingface(model, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert not list(tmp_path.glob("*.tmp"))
