"""`nextword verify`: a card of checks, and an exit status for scripts."""

import json
from pathlib import Path

import pytest
import torch

from nextword.loading import load
from nextword.model import GPT, GPTConfig
from nextword.weights import save_huggingface


def test_a_sound_model_is_exact(cli, model_directory, tmp_path):
    picture = tmp_path / "layers.png"
    status, out, _ = cli("verify", model_directory, "--plot", picture)
    assert status == 0
    assert "checks are as they should be. This is GPT-2, exactly." in out
    assert "OFF" not in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_another_model_of_the_same_shape_is_told_layer_by_layer(cli, model_directory, tmp_path: Path):
    model, _ = load(model_directory)
    with torch.no_grad():
        model.block(0).mlp.c_fc.bias += 0.1
    save_huggingface(model, tmp_path / "other")
    status, out, _ = cli("verify", model_directory, "--against", tmp_path / "other", "--json")
    assert status == 1
    said = json.loads(out)
    assert said["exact"] is False
    wrong = [check["name"].partition(",")[0] for check in said["checks"] if check["passed"] is False]
    assert wrong == ["block 1", "ln_f", "logits"]


@pytest.mark.parametrize("against, message", [("nothing", "--against nothing: give hf, or the path of another model.")])
def test_what_cannot_be_compared_is_told(cli, model_directory, against, message, tmp_path):
    status, _, err = cli("verify", model_directory, "--against", against)
    assert (status, err) == (2, f"nextword: {message}\n")
    save_huggingface(GPT(GPTConfig(n_ctx=16, n_embd=8, n_head=2, n_layer=1)), tmp_path / "small")
    status, _, err = cli("verify", model_directory, "--against", tmp_path / "small")
    assert status == 2
    assert "it has another shape" in err
