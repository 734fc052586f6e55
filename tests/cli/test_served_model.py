from pathlib import Path

import pytest
import torch
from conftest import randomize

from nextword.cli.served_model import ServedModel, watched_run
from nextword.decode.engines import EngineName
from nextword.decode.plain_engine import PlainEngine
from nextword.errors import WeightsError
from nextword.model import GPT, GPTConfig, plain
from nextword.tokenizer.plain_tokenizer import PlainTokenizer
from nextword.train import TrainConfig
from nextword.train.run_directory import RunDirectory
from nextword.train.setup import prepare
from nextword.weights import save_huggingface

pytest.importorskip("fastapi", reason="fastapi (extra: serve) is not installed")

SMALL = GPTConfig(n_ctx=32, n_embd=16, n_head=2, n_layer=2)


def served(run: Path, engine: EngineName | None = None) -> ServedModel:
    return ServedModel(str(run), None, "cpu", None, None, 2, watched_run(str(run)), engine)


def test_a_run_is_watched_where_it_is_what_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "run.json").write_text("{}")
    assert watched_run("gpt2") is None  # which means the official weights
    assert watched_run("./gpt2") is not None
    assert watched_run(str(tmp_path)) is None


def test_a_run_that_has_saved_nothing_is_served_as_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text_file: Path
) -> None:
    job = prepare(TrainConfig(data=(str(text_file),), model="nano", window=16, seed=5))
    RunDirectory.create(tmp_path / "run", job.describe()).release()
    model = served(tmp_path / "run")
    assert torch.equal(model.whole().wte.weight, job.model.wte.weight)
    engine, _ = model.engine()
    assert "has saved no weights yet" in capsys.readouterr().err
    engine.read(0, [464, 2])
    with torch.no_grad():
        right = job.model.eval()(torch.tensor([[464, 2]]))[0, -1]
    torch.testing.assert_close(torch.from_numpy(engine.next_logits([0])[0]), right, rtol=1e-3, atol=1e-3)
    model = served(tmp_path / "run", "plain")
    engine, tokenizer = model.engine()
    engine.read(0, [464, 2])
    torch.testing.assert_close(torch.from_numpy(engine.next_logits([0])[0]), right, rtol=1e-3, atol=1e-3)
    assert (type(engine), type(tokenizer)) == (PlainEngine, PlainTokenizer)
    assert model.whole().ops.gelu is plain.gelu


def test_of_a_users_own_class_the_first_weights_are_not_known(tmp_path: Path) -> None:
    about = {"config": {"model": "mine:GPT", "seed": 1}, "data": {}, "versions": {}, "model": {}}
    RunDirectory.create(tmp_path / "run", about).release()
    with pytest.raises(WeightsError, match="is a run that has not saved any weights yet"):
        served(tmp_path / "run").engine()


def test_a_run_that_has_saved_weights_is_served_with_them(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", {}).release()
    model = GPT(SMALL)
    randomize(model)
    save_huggingface(model, tmp_path / "run")
    for engine in (None, "native", "torch", "plain"):
        whole = served(tmp_path / "run", engine).whole()  # type: ignore[arg-type]
        assert torch.equal(whole.wte.weight, model.wte.weight)
        assert (whole.ops.gelu is plain.gelu) == (engine == "plain")
