"""Where a GPU would be at work: a step's numbers are read while the next one is computed, and nothing else changes."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import log, of, train, weights

from nextword.errors import TrainingError
from nextword.train import Trainer
from nextword.train.compiling import COMPILE_SECONDS, SHARE_SAVED, seconds_saved
from nextword.train.events import Compiling, Started, Stepped
from nextword.train.update import TorchUpdate


def late(config, waits=False):
    """A trainer that behaves as on a GPU."""
    trainer = Trainer(config)
    trainer._move = TorchUpdate(trainer._working, trainer._optimizer, config.clip)
    trainer._move.waits = waits
    return trainer


def kinds(events):
    return [(type(event).__name__, event.step) for event in events if not isinstance(event, Started)]


@pytest.mark.parametrize("settings", [{}, {"save_every": 3}, {"eval_every": 5, "sample_every": 3, "accumulate": 2}])
def test_the_same_is_told_in_the_same_order(config, settings):
    prompt = train(late(replace(config, **settings), waits=True))
    after = train(late(replace(config, out=f"{config.out}-2", **settings)))
    assert kinds(prompt) == kinds(after)
    assert log(Path(config.out)) == log(Path(f"{config.out}-2"))


def test_one_step_and_no_more_is_ahead(config):
    trainer = late(config)
    ahead = [trainer.step - event.step for event in trainer.run() if isinstance(event, Stepped)]
    # Steps 4, 8 and 12 are looked at: there everything is read.
    assert ahead == [1, 1, 1, 0] * 3


def test_stopping_tells_all_that_was_done(config):
    events = train(late(config), until=6)
    assert [event.step for event in of(events, Stepped)] == list(range(1, 8))  # 7 was on its way
    assert [line["step"] for line in log(Path(config.out))] == list(range(8))
    resumed = train(Trainer(config, resume=True))
    assert [event.step for event in of(resumed, Stepped)] == list(range(8, 13))


def test_a_failure_is_told_late_and_still_by_its_step_with_sound_weights(config):
    trainer = late(config)
    seen, step = {}, trainer._backward

    def poisoned():
        seen[trainer.step] = weights(trainer)
        loss = step()
        if trainer.step == 5:  # the sixth
            trainer._working.weights[0].grad[0, 0] = math.inf
        return loss

    trainer._backward = poisoned
    with pytest.raises(
        TrainingError, match=r"The gradient's norm is (inf|nan) at step 6; the weights are as they were"
    ):
        train(trainer)
    assert 6 in seen  # the seventh was launched before
    now = weights(trainer)
    assert all(torch.equal(now[name], seen[5][name]) for name in now)
    assert trainer.step == 5
    assert [line["step"] for line in log(Path(config.out))] == list(range(6))


def test_compiling_is_only_for_gpus_and_for_long_runs(monkeypatch):
    monkeypatch.setattr("nextword.train.compiling.has_triton", lambda: True)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert seconds_saved(cpu, 10.0, 10**6) == 0
    assert seconds_saved(gpu, 0.1, 100) < 0
    assert seconds_saved(gpu, 0.1, 100_000) == pytest.approx(SHARE_SAVED * 10_000 - COMPILE_SECONDS)
    monkeypatch.setattr("nextword.train.compiling.has_triton", lambda: False)
    assert seconds_saved(gpu, 0.1, 100_000) == 0


def test_compiling_is_announced_before_the_step_that_takes_so_long(config, monkeypatch):
    compiled = []
    monkeypatch.setattr("nextword.train.trainer.seconds_saved", lambda device, seconds, left: 123.0 * left)
    monkeypatch.setattr("torch.compile", lambda function, **how: compiled.append(how) or function)
    events = train(late(config))
    (told,) = of(events, Compiling)
    assert (told.step, told.saves, told.seconds) == (10, 246.0, COMPILE_SECONDS)
    assert compiled == [{"fullgraph": True, "dynamic": False}]
    steps = [event.step for event in events[: events.index(told)] if isinstance(event, Stepped)]
    assert steps == list(range(1, 11))  # nothing stays unread over the pause
