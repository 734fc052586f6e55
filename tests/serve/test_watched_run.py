import json
import math
from pathlib import Path

import pytest
import torch

from nextword.model import GPT
from nextword.serve.watched_run import STEPS, WatchedRun, losses
from nextword.train.attention_log import AttentionLog
from nextword.train.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", {})


def test_a_run_that_has_only_begun(run: RunDirectory) -> None:
    assert WatchedRun(run.path).describe() == {
        "dir": str(run.path),
        "begun": f"{(run.path / 'run.json').stat().st_mtime_ns:x}",
        "data": None,
        "steps": [],
        "expected": None,
        "samples": [],
        "attention": {"steps": [], "ids": []},
    }


def test_what_a_run_has_read_is_told(tmp_path: Path) -> None:
    about = {"config": {"init": None}, "data": {"name": "story", "sha256": "0", "train_tokens": 6063}}
    run = RunDirectory.create(tmp_path / "run", about)
    assert WatchedRun(run.path).describe()["data"] == {"name": "story", "train_tokens": 6063, "init": None}


def test_a_run_that_says_nothing_of_its_text_can_be_watched(tmp_path: Path) -> None:
    for n, about in enumerate(({"data": "story.txt", "config": {}}, {"data": {"name": "a"}, "config": {}})):
        assert WatchedRun(RunDirectory.create(tmp_path / str(n), about).path).describe()["data"] is None


def test_losses_stand_beside_what_is_expected(tmp_path: Path) -> None:
    about = {
        "config": {"init": None},
        "plan": {"batch_size": 4, "window": 256, "accumulate": 1, "warmup": 0},
        "model": {"n_vocab": 50257, "n_ctx": 256, "n_embd": 128, "n_head": 4, "n_layer": 4, "dropout": 0.0},
        "data": {"name": "mine", "train_tokens": 10**6, "frequencies": 6.5, "bytes_per_token": 4.0},
    }
    run = RunDirectory.create(tmp_path / "run", about)
    watched = WatchedRun(run.path)
    run.log(step=0, train_loss=None, val_loss=10.9)
    assert "Nobody can tell yet" in watched.describe()["expected"]["verdict"]
    for step in range(1, 101):
        run.log(step=step, train_loss=max(0.01, 10.9 - 0.2 * step), val_loss=0.01 if step == 100 else None)
    found = watched.describe()["expected"]
    assert (found["kind"], found["normal"]) == ("leak", False)
    assert found["band"][0][0] == 0
    assert found["band"][-1][0] == 100


def test_what_the_trainer_writes_is_read(run: RunDirectory) -> None:
    watched = WatchedRun(run.path)
    run.log(step=1, tokens=64, train_loss=10.5, val_loss=None)
    run.log(step=2, tokens=128, train_loss=math.nan, val_loss=9.0)
    run.add_sample(2, "One day", " a goat\n\n> came **in**.")
    found = watched.describe()
    assert found["steps"] == [
        {"step": 1, "tokens": 64, "train_loss": 10.5, "val_loss": None},
        {"step": 2, "tokens": 128, "train_loss": None, "val_loss": 9.0},
    ]
    assert found["samples"] == [{"step": 2, "prompt": "One day", "text": " a goat\n\n> came **in**."}]
    run.log(step=3, tokens=192, train_loss=8.0, val_loss=None)
    with (run.path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "train_l')  # which is being written
    run.add_sample(3, "One day", "")
    found = watched.describe()
    assert [entry["step"] for entry in found["steps"]] == [1, 2, 3]
    assert found["samples"][1] == {"step": 3, "prompt": "One day", "text": ""}


@pytest.mark.parametrize("prompt", ["One day", "A Penny on Haddow\n\nThe piano", "One\nday\n\ncame", ""])
@pytest.mark.parametrize("text", [" a goat\n\n> came **in**.", "\n\nThe **goat** came", " **in**\n**a** goat", ""])
def test_a_prompt_of_several_lines_is_told_from_what_follows(run: RunDirectory, prompt: str, text: str) -> None:
    run.add_sample(2, prompt, text)
    run.add_sample(3, "One day", "")
    found = WatchedRun(run.path).describe()["samples"]
    assert found[0] == {"step": 2, "prompt": prompt, "text": text}
    assert found[1]["step"] == 3


def test_a_long_run_is_told_in_fewer_points() -> None:
    lines = [
        {"step": n, "train_loss": 1.0, "val_loss": 2.0 if n == 501 else None, "lr": 1e-3} for n in range(1, 10 * STEPS)
    ]
    found = losses("\n".join(map(json.dumps, lines)))
    assert STEPS <= len(found) <= STEPS + 2
    assert [found[0]["step"], found[-1]["step"]] == [1, 10 * STEPS - 1]
    assert [entry["step"] for entry in found if entry["val_loss"]] == [501]


def test_the_attention_of_a_run(run: RunDirectory, model: GPT) -> None:
    watched = WatchedRun(run.path)
    run.attention.add(10, model, torch.tensor([3, 14, 15]))
    assert watched.describe()["attention"] == {"steps": [10], "ids": [3, 14, 15]}
    run.attention.add(20, model, torch.tensor([3, 14, 15]))
    assert watched.describe()["attention"]["steps"] == [10, 20]


def test_a_look_that_cannot_be_read_takes_nothing_else_away(run: RunDirectory, model: GPT) -> None:
    run.log(step=1, train_loss=10.5, val_loss=None)
    run.attention.add(10, model, torch.tensor([3, 14, 15]))
    [file] = (run.path / "attention").iterdir()
    file.write_bytes(b"damaged")
    found = WatchedRun(run.path).describe()
    assert found["attention"] == {"steps": [], "ids": []}
    assert found["steps"][0]["train_loss"] == 10.5


def test_a_look_that_goes_away_while_it_is_told_of(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AttentionLog, "steps", lambda self: [10])
    assert WatchedRun(run.path).describe()["attention"] == {"steps": [], "ids": []}


def test_half_a_character_that_is_being_written(run: RunDirectory) -> None:
    run.add_sample(2, "One day", " a goat")
    with (run.path / "samples.md").open("ab") as file:
        file.write("🐐".encode()[:2])
    assert WatchedRun(run.path).describe()["samples"][0]["text"] == " a goat"


def test_a_run_whose_checkpoints_were_deleted_still_knows_its_step(run: RunDirectory) -> None:
    run.log(step=7, train_loss=2.0, val_loss=None)
    assert WatchedRun(run.path).saved_step() == 0  # it has saved nothing
    (run.path / "model.safetensors").write_bytes(b"")
    assert WatchedRun(run.path).saved_step() == 7
    (run.path / "checkpoints" / "step-00000005").mkdir(parents=True)
    (run.path / "checkpoints" / "step-00000005" / "manifest.json").write_text("{}")
    assert WatchedRun(run.path).saved_step() == 5
