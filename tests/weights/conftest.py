"""A tiny GPT-2 that transformers itself has saved, and a way to tamper with it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GPT2LMHeadModel
from weights.tiny import TINY, randomise


@pytest.fixture(scope="session")
def reference() -> GPT2LMHeadModel:
    """transformers' tiny GPT-2: read it, do not change it."""
    return randomise(GPT2LMHeadModel(TINY))


@pytest.fixture(scope="session")
def saved_reference(reference: GPT2LMHeadModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where transformers saved it: read it, do not change it."""
    directory = tmp_path_factory.mktemp("reference")
    reference.save_pretrained(directory)
    return directory


@pytest.fixture
def hf_dir(saved_reference: Path, tmp_path: Path) -> Path:
    """The same directory, for one test to tamper with."""
    return Path(shutil.copytree(saved_reference, tmp_path / "model"))


@pytest.fixture
def tamper(hf_dir: Path) -> Callable[[Callable[[dict[str, Tensor]], dict[str, Tensor] | None]], Path]:
    """Change the tensors of `hf_dir` by a function on their dictionary; gives the directory back."""

    def change_file(change: Callable[[dict[str, Tensor]], dict[str, Tensor] | None]) -> Path:
        file = hf_dir / "model.safetensors"
        tensors = load_file(file)
        changed = change(tensors)
        save_file(tensors if changed is None else changed, file, metadata={"format": "pt"})
        return hf_dir

    return change_file
