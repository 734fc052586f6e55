"""`nextword train --track`: what a tracker gets is what log.jsonl has, and it can never end a training."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nextword.cli.main import run

FLAGS = (
    "train --data text.txt --tokenizer bytes --n-layer 1 --n-embd 8 --n-head 1 --n-ctx 16 --window 16 --batch-size 2 "
    "--eval-every 3 --sample-every 3 --out run --device cpu"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("The goat looked ahead as if it had paid for the view. " * 12)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nextword.train.trainer.plot_loss", lambda *arguments: None)
    monkeypatch.setattr("nextword.train.trainer.SAMPLE_TOKENS", 4)


def logged() -> list[dict[str, float]]:
    return [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]


class Fake:
    """A library with wandb's functions, which remembers what it is told."""

    Table = SimpleNamespace

    def __init__(self, fails_at: int | None = None):
        self.begun: list[dict[str, object]] = []
        self.numbers: dict[int, dict[str, object]] = {}
        self.ends = 0
        self._fails_at = fails_at

    def init(self, **settings):
        self.begun.append(settings)

    def log(self, values, step):
        if step == self._fails_at:
            raise ConnectionError("the network is down")
        assert step >= max(self.numbers, default=0)  # wandb drops what comes late
        self.numbers.setdefault(step, {}).update(values)

    def finish(self):
        self.ends += 1


@pytest.mark.parametrize("name", ["wandb", "trackio"])
def test_a_tracker_gets_each_step_and_a_resumed_run_goes_on_in_the_same_curves(name, monkeypatch):
    fake = Fake()
    monkeypatch.setitem(sys.modules, name, fake)
    assert run([*FLAGS.split(), "--steps", "6", "--track", name]) == 0
    assert run(["train", "--out", "run", "--resume", "--steps", "9", "--track", name]) == 0
    first, second = fake.begun
    assert {key: first[key] for key in first if key != "config"} == {k: second[k] for k in second if k != "config"}
    assert first["config"]["config"]["n_embd"] == 8
    lines = logged()
    assert list(fake.numbers) == [line["step"] for line in lines]
    for line in lines:
        for key in ("train_loss", "val_loss", "lr", "tokens"):
            if line[key] is not None and (key != "tokens" or line["step"]):
                assert fake.numbers[line["step"]][key] == pytest.approx(line[key]), (line["step"], key)
    assert fake.numbers[3]["sample"].data[0][1].startswith("**The goat")
    assert fake.ends == 2


def test_a_tracker_that_fails_ends_no_training(monkeypatch, capfd):
    fake = Fake(fails_at=4)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    assert run([*FLAGS.split(), "--steps", "6", "--track", "wandb"]) == 0
    assert capfd.readouterr().err.count("nothing is sent to wandb any more (ConnectionError: the network is down)") == 1
    assert max(fake.numbers) == 3
    assert logged()[-1]["step"] == 6


def test_what_is_not_known_or_not_installed_is_said_before_anything_begins(monkeypatch, capfd):
    assert run([*FLAGS.split(), "--steps", "6", "--track", "excel"]) == 2
    assert "--track excel is none that is known: choose tensorboard, wandb, trackio." in capfd.readouterr().err
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert run([*FLAGS.split(), "--steps", "6", "--track", "wandb"]) != 0
    assert "--track needs wandb, which is not installed: pip install wandb" in capfd.readouterr().err
    assert not Path("run").exists()


def test_tensorboard_reads_back_what_the_log_has():
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert run([*FLAGS.split(), "--steps", "6", "--track", "tensorboard"]) == 0
    assert run(["train", "--out", "run", "--resume", "--steps", "9", "--track", "tensorboard"]) == 0
    found = EventAccumulator("run/tensorboard").Reload()
    for name in ("train_loss", "val_loss", "lr"):
        scalars = {scalar.step: scalar.value for scalar in found.Scalars(name)}
        expected = {line["step"]: line[name] for line in logged() if line[name] is not None}
        assert scalars.keys() == expected.keys()
        assert all(math.isclose(scalars[step], expected[step], rel_tol=1e-6) for step in expected)
    assert len(found.Tensors("sample/text_summary")) == 4
