"""Tuning finds the lowest point of a known curve, and what it trains is what `train` would."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from train.runs import losses, train

from nextword.cli.main import run
from nextword.train import Trainer
from nextword.train.setup import open_text
from nextword.train.tuning import BatchRate, RateTrial, batch_rates, best_rate, sweep, try_rate, worthwhile
from nextword.train.tuning_plot import plot_trials


def curve(best: float, diverges_from: float = math.inf):
    """A parabola over the logarithm."""
    return lambda lr, seed: math.inf if lr >= diverges_from else 3.0 + 0.1 * math.log2(lr / best) ** 2


@pytest.mark.parametrize("best", [1e-3, 1.3e-3, 0.7e-3, 1.7e-2, 6e-5])
def test_the_sweep_goes_on_beyond_its_edge_to_the_lowest_point(best):
    trials = list(sweep(curve(best), 1e-3, range(1, 2)))
    assert best_rate(trials) == pytest.approx(best, rel=1e-6)
    assert len({trial.lr for trial in trials}) == len(trials) <= 5 + abs(round(math.log2(best / 1e-3))) + 1


def test_what_diverges_is_left_behind():
    trials = list(sweep(curve(1e-4, diverges_from=4e-4), 1e-2, range(1, 3)))
    assert [trial.lr for trial in trials if math.isinf(trial.loss)][:3] == [1e-2, 2e-2, 5e-3]
    assert best_rate(trials) == pytest.approx(1e-4, rel=1e-6)
    assert {trial.seed for trial in trials if trial.loss < math.inf} == {1, 2}
    assert best_rate([RateTrial(1e-3, 1, math.inf)]) is None


def test_the_lowest_point_is_never_beyond_what_was_tried():
    assert best_rate([RateTrial(1e-3, 1, 3.0), RateTrial(2e-3, 1, 2.9), RateTrial(4e-3, 1, 2.8)]) == 4e-3
    assert best_rate([RateTrial(1e-3, 1, 3.0), RateTrial(2e-3, 1, 2.9), RateTrial(4e-3, 1, 2.9)]) == pytest.approx(
        2.83e-3, rel=0.01
    )


def test_a_batch_is_worth_its_memory_or_a_smaller_one_is_taken():
    rates = [BatchRate(1, 100.0, 1), BatchRate(2, 190.0, 2), BatchRate(4, 193.0, 4), BatchRate(8, None, 8)]
    assert worthwhile(rates) == rates[1]
    assert worthwhile([BatchRate(1, None, 1)]) is None


def test_a_trial_is_the_training_that_train_would_make(config, monkeypatch):
    config = replace(config, dropout=0.0, steps=6, lr=None)
    text = open_text(config)
    events = train(Trainer(replace(config, lr=0.02, seed=5)))
    final = [event.val_loss for event in events if type(event).__name__ == "Validated"][-1]
    assert len(losses(events)) == 6
    assert try_rate(config, text, 0.02, 5) == pytest.approx(final, abs=1e-6)
    assert try_rate(config, text, 0.02, 6) != pytest.approx(final, abs=1e-6)
    assert try_rate(replace(config, steps=40, clip=1e9, warmup=0), text, 1e6, 5) == math.inf


def test_batches_grow_until_memory_ends(config, monkeypatch):
    speeds = iter([10.0, 20.0, 40.0, 41.0, 41.0, 50.0])
    monkeypatch.setattr("nextword.train.tuning.speed", lambda setup: next(speeds))
    text = open_text(config)
    assert [rate.batch_size for rate in batch_rates(config, text)] == [1, 2, 4, 8, 16]  # twice without a gain
    monkeypatch.setattr("nextword.train.tuning.available_memory", lambda device: 1000)
    (only,) = batch_rates(config, text)
    assert (only.batch_size, only.tokens_per_second) == (1, None)


def test_the_picture(tmp_path):
    plot_trials(
        [RateTrial(1e-3, 1, 3.0), RateTrial(2e-3, 1, 2.9), RateTrial(4e-3, 1, math.inf)], 2e-3, tmp_path / "tune.png"
    )
    assert (tmp_path / "tune.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_tells_all_and_keeps_the_numbers(tmp_path, monkeypatch, capsys, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nextword.train.tuning.MOST_BATCH", 2)
    shape = "--tokenizer bytes --n-layer 1 --n-head 1 --n-embd 8 --n-ctx 16 --window 16 --batch-size 2 --device cpu"
    command = ["tune", "--data", str(text), *shape.split(), "--steps", "4", "--seeds", "2"]
    assert run(command) == 0
    said = capsys.readouterr().out
    assert f"nextword train --data {text} {shape} --lr " in said
    assert "Seeds differ by up to" in said
    found = json.loads(Path("runs/ferry.tune/tune.json").read_text())
    assert [batch["batch_size"] for batch in found["batches"]] == [1, 2]
    assert len({trial["lr"] for trial in found["trials"]}) >= 5
    assert {file.name for file in Path("runs/ferry.tune").iterdir()} == {"tune.json", "tune.png"}
    Path("runs/ferry.tune/mine.txt").write_text("mine")
    assert run(command) == 2
    assert "holds something else than what was tuned: choose another --out." in capsys.readouterr().err
    assert run([*command, "--minutes", "0"]) == 2
    assert "--minutes must be above 0" in capsys.readouterr().err
