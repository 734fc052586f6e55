"""Every public function that takes a path takes it as text and as a Path."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import nextword
from nextword.data import read_corpus
from nextword.lens import logit_lens
from nextword.model import GPT, GPTConfig
from nextword.runtime import replacing, sync
from nextword.tokenizer import save_tokenizer
from nextword.train import TrainConfig
from nextword.user_model import load_user_engine
from nextword.weights import load_model, save_huggingface, save_tensors

Kind = Callable[[str], str | Path]
MODEL = GPTConfig(n_ctx=16, n_embd=8, n_head=2, n_layer=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a text, and a class of one's own."""
    folder = tmp_path_factory.mktemp("paths")
    torch.manual_seed(0)
    save_huggingface(GPT(MODEL), folder / "model")
    (folder / "text.txt").write_text("The ferry left at seven.")
    (folder / "own.py").write_text("from nextword.model import GPT\n")
    return folder


@pytest.mark.parametrize("kind", [str, Path])
def test_reading(kind: Kind, folder: Path) -> None:
    model, text = kind(str(folder / "model")), kind(str(folder / "text.txt"))
    assert nextword.load(model)[0].config == load_model(model).config == MODEL
    assert nextword.loading.load_engine(model, device="cpu")[0] is not None
    assert load_user_engine(f"{folder / 'own.py'}:GPT", model)[0] is not None
    assert read_corpus([text]).documents == read_corpus(text).documents == ("The ferry left at seven.",)
    assert TrainConfig(data=(text,), init=model, out=model) == TrainConfig(
        data=(str(text),), init=str(model), out=str(model)
    )


@pytest.mark.parametrize("kind", [str, Path])
def test_writing(kind: Kind, folder: Path, tmp_path: Path) -> None:
    def at(name: str) -> str | Path:
        return kind(str(tmp_path / name))

    save_huggingface(GPT(MODEL), at("saved"))
    save_tokenizer(at("saved"))
    save_tensors({"x": torch.zeros(2)}, at("x.safetensors"))
    with replacing(at("a.txt")) as file:
        file.write_text("a")
    assert sync(at("a.txt"))
    model, tokenizer = nextword.load(folder / "model")
    logit_lens(model, torch.tensor(tokenizer.encode("The ferry"))).plot(at("lens.svg"))
    assert {"saved", "x.safetensors", "a.txt", "lens.svg"} == {path.name for path in tmp_path.iterdir()}
