"""A weight format is one file and a row of the table: here is one, of NumPy arrays."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.model import GPT
from nextword.weights import load_model
from nextword.weights.directory import open_model
from nextword.weights.format import Format
from nextword.weights.formats import FORMATS
from nextword.weights.names import tensor_names
from nextword.weights.stored import StoredModel, StoredTensor


def open_arrays(path: Path) -> StoredModel:
    config = GPTConfig(**json.loads((path / "shape.json").read_text()))
    tensors = {}
    for name in tensor_names(config.n_layer):
        values = np.load(path / f"{name.ours}.npy")
        tensors[name.ours] = StoredTensor(name.ours, path, values.shape, "F32", values.copy)
    names = {name.ours: dataclasses.replace(name, in_out=False) for name in tensor_names(config.n_layer)}
    return StoredModel(config, path / "shape.json", tensors, names)


def save_arrays(model: GPT, path: Path) -> None:
    path.mkdir()
    (path / "shape.json").write_text(json.dumps(dataclasses.asdict(model.config)))
    for name, parameter in model.named_parameters():
        np.save(path / f"{name}.npy", parameter.detach().numpy())


ARRAYS = Format(
    words="a directory of arrays",
    is_at=lambda path: (path / "shape.json").is_file(),
    open=open_arrays,
    save=save_arrays,
    loader='numpy.load("{path}/wte.weight.npy")',
)


def test_a_format_is_one_file_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2))
    save_arrays(model, tmp_path / "arrays")
    with pytest.raises(WeightsError, match="holds no weights that nextword reads"):
        open_model(tmp_path / "arrays")
    monkeypatch.setitem(FORMATS, "arrays", ARRAYS)
    loaded = load_model(tmp_path / "arrays")
    for (name, there), here in zip(loaded.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(there, here), name


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.save is not None])
def test_what_is_written_is_read_in_its_own_format(name: str, tmp_path: Path) -> None:
    model = GPT(GPTConfig(n_vocab=61, n_ctx=16, n_embd=12, n_head=3, n_layer=2))
    written = FORMATS[name]
    assert written.save is not None
    written.save(model, tmp_path / name)
    assert [other for other, one in FORMATS.items() if one.is_at(tmp_path / name)] == [name]
    loaded = load_model(tmp_path / name)
    for (where, there), here in zip(loaded.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(there, here), where
