import json
import math
from pathlib import Path

import pytest
import torch

from nextword.model import GPT
from nextword.serve.watched_run import STEPS, WatchedRun, losses
from nextword.train.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", {})


def test_a_run_that_has_only_begun(run: RunDirectory) -> None:
    assert WatchedRun(run.path).describe() == {
        "dir": str(run.path),
        "steps": [],
        "samples": [],
        "attention": {"steps": [], "ids": []},
    }


def test_what_the_trainer_writes_is_read(run: RunDirectory) -> None:
    watched = WatchedRun(run.path)
    run.log(step=1, tokens=64, train_loss=10.5, val_loss=None)
    run.log(step=2, tokens=128, train_loss=math.nan, val_loss=9.0)
    run.add_sample(2, "One day", " a goat\n\n> came **in**.")
    found = watched.describe()
    assert found["steps"] == [
        {"step": 1, "train_loss": 10.5, "val_loss": None},
        {"step": 2, "train_loss": None, "val_loss": 9.0},
    ]
    assert found["samples"] == [{"step": 2, "prompt": "One day", "text": " a goat\n\n> came **in**."}]
    run.log(step=3, tokens=192, train_loss=8.0, val_loss=None)
    with (run.path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "train_l')  # which is being written
    run.add_sample(3, "One day", "")
    found = watched.describe()
    assert [entry["step"] for entry in found["steps"]] == [1, 2, 3]
    assert found["samples"][1] == {"step": 3, "prompt": "One day", "text": ""}


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
