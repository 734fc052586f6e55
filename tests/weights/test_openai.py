import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel
from weights.make_openai_fixture import SIZES, shapes, values
from weights.tiny import TINY

from nextword.errors import WeightsError
from nextword.model import GPTConfig, fused, plain
from nextword.weights import load_model

HERE = Path(__file__).parent
IDS = torch.randint(61, (2, 16), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def expected_logits():
    """What transformers computes with the formula's numbers; our table of names has no part in it."""
    tensors = {}
    for name, shape in shapes(**SIZES["tiny"]).items():
        key = re.sub(r"^model/(h(?=\d))?", lambda match: "h." if match[1] else "", name).replace("/", ".")
        key = key + ".weight" if key in ("wte", "wpe") else re.sub(r"\.[gw]$", ".weight", key)
        value = torch.from_numpy(values(name, shape))
        tensors[re.sub(r"\.b$", ".bias", key)] = value.squeeze(0) if len(shape) == 3 else value
    model = GPT2LMHeadModel(TINY).eval()
    model.transformer.load_state_dict(tensors)
    with torch.no_grad():
        return model(IDS).logits


@pytest.mark.parametrize("ops", [plain, fused])
@pytest.mark.parametrize("fixture", ["openai_tiny", "openai_sharded"])
def test_logits_equal_transformers(fixture, ops, expected_logits):
    model = load_model(HERE / fixture, ops=ops)
    assert model.config == GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2)
    torch.testing.assert_close(model(IDS), expected_logits, rtol=0, atol=1e-4 * float(expected_logits.abs().max()))


@pytest.fixture
def openai_dir(tmp_path):
    return Path(shutil.copytree(HERE / "openai_tiny", tmp_path / "117M"))


def change_hparams(directory, **changes):
    hparams = json.loads((directory / "hparams.json").read_text())
    (directory / "hparams.json").write_text(json.dumps(hparams | changes))


def test_tensors_that_do_not_fit_are_named_as_in_the_checkpoint(openai_dir):
    change_hparams(openai_dir, n_layer=3)
    with pytest.raises(WeightsError, match=r"model\.ckpt\.index does not fit .* missing: model/h2/ln_1/g, "):
        load_model(openai_dir)
    change_hparams(openai_dir, n_layer=1)
    with pytest.raises(WeightsError, match=r"not part of GPT-2: .*model/h1/attn/c_attn/b"):
        load_model(openai_dir)
    change_hparams(openai_dir, n_layer=2, n_vocab=62)
    with pytest.raises(WeightsError, match=r"model/wte .*is \(61, 12\) and should be \(62, 12\)"):
        load_model(openai_dir)


def test_damage_names_file_and_tensor(openai_dir):
    data = openai_dir / "model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)
    with pytest.raises(WeightsError, match=r"data-00000-of-00001: model/wte does not match its checksum"):
        load_model(openai_dir)


def test_which_checkpoint(openai_dir):
    (openai_dir / "other.index").write_bytes(b"")
    load_model(openai_dir)  # the file `checkpoint` says which
    (openai_dir / "checkpoint").write_text('model_checkpoint_path: "/home/someone/117M/model.ckpt"\n')
    load_model(openai_dir)  # written on another machine
    (openai_dir / "checkpoint").unlink()
    with pytest.raises(WeightsError, match=r"beside hparams\.json .* one TensorFlow checkpoint .* there are 2"):
        load_model(openai_dir)
    (openai_dir / "other.index").unlink()
    load_model(openai_dir)  # the only one
    (openai_dir / "model.ckpt.index").unlink()
    with pytest.raises(WeightsError, match="there are 0"):
        load_model(openai_dir)


def test_without_hparams(openai_dir):
    (openai_dir / "hparams.json").unlink()
    with pytest.raises(WeightsError, match=r"hparams\.json cannot be read \(No such file"):
        load_model(openai_dir)
