import pickle
import struct

import pytest
import torch

from nextword.errors import WeightsError
from nextword.weights import load_model


@pytest.mark.parametrize("suffix", ["bin", "pt", "pth", "ckpt", "pkl"])
def test_pickles_are_refused_unopened(suffix, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    file = tmp_path / f"pytorch_model.{suffix}"
    file.write_bytes(pickle.dumps(Bomb()))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    for path in (tmp_path, file):
        with pytest.raises(
            WeightsError, match=rf"pytorch_model\.{suffix} is a pickle, .* nextword never does"
        ) as error:
            load_model(path)
    assert not (tmp_path / "exploded").exists()
    advice = f"GPT2LMHeadModel.from_pretrained({str(tmp_path)!r}).save_pretrained("
    assert (advice in str(error.value)) == (suffix == "bin")  # of the others transformers reads none


def test_what_no_command_converts_gets_none(tmp_path):
    """nanoGPT's ckpt.pt lies alone; llm.c's files are no pickles."""
    torch.save({"model": {}, "model_args": {"n_layer": 1}}, tmp_path / "ckpt.pt")
    with pytest.raises(WeightsError, match=r"ckpt\.pt is a pickle, .* no command converts it: load it with"):
        load_model(tmp_path)
    (tmp_path / "ckpt.pt").unlink()
    (tmp_path / "gpt2_124M.bin").write_bytes(struct.pack("<256i", 20240326, 3, 1024, 50257, *[0] * 252))
    with pytest.raises(WeightsError, match=r"gpt2_124M\.bin is a checkpoint of llm\.c, .* dev/eval/export_hf\.py"):
        load_model(tmp_path)


def test_the_advice_for_pickles_works(tmp_path, reference):
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    reference.config.save_pretrained(tmp_path)
    with pytest.raises(WeightsError) as error:
        load_model(tmp_path)
    advice = str(error.value).split("in Python: ")[1]
    exec(advice)
    load_model(f"{tmp_path}-safetensors")


def test_what_is_no_directory_of_weights(tmp_path, saved_reference):
    kinds = r"Give a run directory, a Hugging Face directory \(config\.json .*\)(,| or) an OpenAI directory"
    with pytest.raises(WeightsError, match=rf"nowhere does not exist\. {kinds}"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(WeightsError, match=rf"holds no weights that nextword reads\. {kinds}"):
        load_model(tmp_path)
    with pytest.raises(WeightsError, match=r"model\.safetensors is one file\. Give its directory: "):
        load_model(saved_reference / "model.safetensors")
    with pytest.raises(WeightsError, match=r"config\.json is a file\. Give a directory: a run directory"):
        load_model(saved_reference / "config.json")


def test_a_run_that_has_saved_nothing_yet(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(
        WeightsError, match=r"a run that has not saved any weights yet.* nextword train --out .* --overwrite"
    ):
        load_model(tmp_path)


def test_weights_without_a_configuration(hf_dir):
    (hf_dir / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"config\.json cannot be read \(No such file"):
        load_model(hf_dir)
    (hf_dir / "config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"config\.json is not JSON \(Expecting"):
        load_model(hf_dir)
    (hf_dir / "config.json").write_text("[]")
    with pytest.raises(WeightsError, match=r"config\.json should hold one JSON object, and holds a list"):
        load_model(hf_dir)
