import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cli.conftest import Cli

from nextword.cli import demo


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo of two steps, with a model that has little but GPT-2's vocabulary."""
    shape = {"n_layer": 1, "n_head": 2, "n_embd": 16}
    config = replace(demo.CONFIG_BY_MODEL["nano"], window=32, epochs=None, steps=2, **shape)
    monkeypatch.setitem(demo.CONFIG_BY_MODEL, "nano", config)


def test_the_demo_trains_the_real_model() -> None:
    config = demo.CONFIG_BY_MODEL["gpt2"]
    assert (config.model, config.init, config.data) == ("gpt2", None, ("story",))
    assert config.shape.n_params == 124_439_808


@pytest.mark.usefixtures("short")
def test_it_explains_trains_writes_and_may_be_repeated(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "story"
    for _ in range(2):
        status, text, err = cli("demo", "--model", "nano", "--out", out)
        assert (status, err) == (0, "")
        words = " ".join(text.split())
        assert "begins a little above ln 50257 = 10.82" in words
        assert re.search(r"step 0 validation loss 1[01]\.", words)
        assert "greedy" in words
        assert "top-k" in words
        assert "The model has memorised" in words
        assert f"nextword serve --model {out}" in text
        assert (out / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"] == 2


@pytest.mark.usefixtures("short")
def test_the_small_model_has_a_place_of_its_own(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that trying it does not replace what the large one took minutes for."""
    monkeypatch.chdir(tmp_path)
    assert cli("demo", "--model", "nano")[0] == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["story-nano"]
    assert demo.OUT_BY_MODEL["gpt2"] == "runs/story"


@pytest.mark.usefixtures("short")
def test_a_run_of_the_users_own_is_not_replaced(cli: Cli, tmp_path: Path, text_file: Path) -> None:
    out = tmp_path / "story"
    cli("train", "--data", text_file, "--depth", 1, "--tokenizer", "bytes", "--window", 16, "--steps", 1, "--out", out)
    status, _, err = cli("demo", "--model", "nano", "--out", out)
    assert status == 2
    assert "already holds a run that is not a demo: choose another place with --out." in err


def test_too_little_memory_is_told_before_it_starts(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextword.runtime.available_memory", lambda _device: 2**30)
    status, out, err = cli("demo", "--out", tmp_path / "story")
    assert (status, out) == (2, "")
    assert "GiB of memory, and 1.0 GiB is free. Try: nextword demo --model nano" in err
    assert not (tmp_path / "story").exists()
