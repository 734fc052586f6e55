"""Where a GPU would be at work: a step's numbers are read while the next one is computed, and nothing else changes."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train.runs import late, log, of, train, weights

from nextword.errors import TrainingError
from nextword.train import Trainer
from nextword.train.events import Started, Stepped


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
    seen, step = {}, trainer._steps._backward

    def poisoned():
        seen[trainer.step] = weights(trainer)
        loss = step()
        if trainer.step == 5:  # the sixth
            trainer._steps._working.weights[0].grad[0, 0] = math.inf
        return loss

    trainer._steps._backward = poisoned
    with pytest.raises(
        TrainingError, match=r"The gradient's norm is (inf|nan) at step 6; the weights are as they were"
    ):
        train(trainer)
    assert 6 in seen  # the seventh was launched before
    now = weights(trainer)
    assert all(torch.equal(now[name], seen[5][name]) for name in now)
    assert trainer.step == 5
    assert [line["step"] for line in log(Path(config.out))] == list(range(6))
