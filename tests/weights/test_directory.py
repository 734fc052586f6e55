import pickle
import shlex
import struct

import pytest
import torch

from nextword.cli.main import run
from nextword.errors import WeightsError
from nextword.weights import load_model
from nextword.weights.foreign import import_checkpoint


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
            WeightsError, match=rf"pytorch_model\.{suffix} is a pickle, .* Make a model of it: nextword import"
        ):
            load_model(path)
    with pytest.raises(WeightsError):
        import_checkpoint(file)
    assert not (tmp_path / "exploded").exists()


def test_the_advice_for_other_programs_files_works(tmp_path, reference):
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    reference.config.save_pretrained(tmp_path)
    for path in (tmp_path, tmp_path / "pytorch_model.bin"):
        with pytest.raises(WeightsError, match=r"pytorch_model\.bin is a pickle, .* Make a model of it: ") as error:
            load_model(path)
    advice = shlex.split(str(error.value).partition("Make a model of it: ")[2])
    assert run(advice[1:]) == 0
    load_model(tmp_path / "pytorch_model-imported")
    (tmp_path / "pytorch_model.bin").unlink()
    (tmp_path / "gpt2_124M.bin").write_bytes(struct.pack("<256i", 20240326, 3, 1024, 50257, *[0] * 252))
    with pytest.raises(
        WeightsError, match=r"gpt2_124M\.bin is a checkpoint of llm\.c\. Make a model of it: nextword import"
    ):
        load_model(tmp_path)


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
