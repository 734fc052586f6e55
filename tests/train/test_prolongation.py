"""A run that gets more steps than it was begun with: what its learning rate does, and that nothing else changes."""

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from train.runs import TINY, losses, of, state, train

from nextword.errors import RunError
from nextword.model import CONFIGS
from nextword.train import Trainer
from nextword.train.config import TrainConfig
from nextword.train.events import Finished, Prolonged, Stepped
from nextword.train.plain import learning_rate
from nextword.train.plan import Prolongation, plan
from nextword.train.prolongation import rate
from nextword.train.recipe import choose

SETTINGS = {"window": 16, "batch_size": 2, "dropout": 0.2, "embedding_std": 0.02}
CURVE = {"steps": 12, "lr": 0.01, "schedule": "cosine", "lr_floor": 0.1, "lr_fall": 1.0, "warmup": 3}
CURVE |= {"eval_every": 4, "sample_every": 4}
PLAN = plan(TrainConfig(**SETTINGS, **CURVE), CONFIGS["nano"], 300)


def rates(steps, *prolonged):
    given = replace(PLAN, steps=steps, prolonged=tuple(Prolongation(*one) for one in prolonged))
    return [rate(given, step) for step in range(steps)]


def test_without_being_prolonged_it_is_the_schedule():
    assert rates(12) == [learning_rate(step, 12, 3, 0.01) for step in range(12)]


def test_from_where_it_stands_it_comes_down_to_the_floor_at_the_new_end():
    """At step 7 of 12 half of the cosine's way is gone: 8 steps from the peak to the end, of which 4 are made."""
    told = rates(16, (7, 12))
    assert told[:8] == rates(12)[:8]
    assert told[7] == pytest.approx(0.01 * 0.55)
    # Eight steps more, from 0.0055 to 0.001 along half a cosine.
    assert told[7:] == pytest.approx([0.001 + 0.0045 * (1 + math.cos(math.pi * n / 8)) / 2 for n in range(9)])


def test_a_constant_rate_stays_constant():
    constant = replace(PLAN, lr_floor=1.0, warmup=0, steps=16, prolonged=(Prolongation(7, 12),))
    assert [rate(constant, step) for step in range(16)] == pytest.approx([0.01] * 16)


def test_after_its_end_it_stays_at_the_floor():
    assert rates(20, (12, 12))[12:] == pytest.approx([0.001] * 8)


def test_where_the_floor_is_zero_it_learns_on_as_if_it_had_been_longer_from_the_beginning():
    """A rate that stayed at zero would teach nothing."""
    line = replace(PLAN, schedule="linear", lr_floor=0.0)
    longer = [0.01 * (step + 1) / 3 if step < 3 else 0.01 * (19 - step) / 16 for step in range(20)]
    for at in (11, 12):  # one step before its end, where the rate is a ninth of the way down, and at its end
        prolonged = replace(line, steps=20, prolonged=(Prolongation(at, 12),))
        before = [rate(replace(line, steps=12), step) for step in range(at)]
        assert [rate(prolonged, step) for step in range(20)] == pytest.approx([*before, *longer[at:]])


def test_in_the_warm_up_it_still_comes_to_the_peak():
    assert rates(20, (2, 12)) == rates(20)


def test_a_line_goes_on_as_a_line():
    line = replace(PLAN, schedule="linear", steps=16, prolonged=(Prolongation(7, 12),))
    told = [rate(line, step) for step in range(16)]
    assert told[:8] == [rate(replace(line, steps=12, prolonged=()), step) for step in range(8)]
    assert told[7] == pytest.approx(0.01 * 0.55)
    assert told[7:] == pytest.approx([0.0055 - n * 0.0045 / 8 for n in range(9)])


def test_wsd_goes_on_at_its_peak_and_falls_at_the_new_end():
    """Prolonged at step 5 of 12, before the fall; of the ten steps that are left the last five fall."""
    held = replace(PLAN, schedule="wsd", warmup=0, lr_fall=0.5, steps=16, prolonged=(Prolongation(5, 12, 0.5),))
    told = [rate(held, step) for step in range(16)]
    assert told[:11] == pytest.approx([0.01] * 11)
    assert told[10:] == pytest.approx([0.001 + 0.009 * (1 + math.cos(math.pi * n / 5)) / 2 for n in range(6)])


def test_a_constant_schedule_is_prolonged_as_one():
    constant = replace(PLAN, schedule="constant", lr_floor=1.0, warmup=0, steps=16, prolonged=(Prolongation(7, 12),))
    assert [rate(constant, step) for step in range(16)] == [0.01] * 16


def test_a_run_from_before_schedules_had_names_goes_on_bit_for_bit(stopped, tmp_path):
    """Its run.json has neither the setting nor the plan's, and of a prolongation it does not say the fall."""
    for fall, prolonged in ((1.0, []), (0.3, []), (0.3, [{"at_step": 5, "steps_before": 11}])):
        run = tmp_path / f"{fall} {len(prolonged)}"
        shutil.copytree(stopped.out, run)
        said = json.loads((run / "run.json").read_text())
        del said["config"]["schedule"], said["plan"]["schedule"]
        said["config"]["lr_fall"] = said["plan"]["lr_fall"] = fall
        said["plan"]["prolonged"] = prolonged
        (run / "run.json").write_text(json.dumps(said))
        resumed = Trainer(replace(stopped, schedule=None, lr_fall=fall, out=str(run)), resume=True)
        assert resumed.setup.plan.schedule == "cosine"
        assert [step.lr for step in of(train(resumed), Stepped)] == as_before(fall, prolonged)[7:]


def as_before(fall, prolonged):
    """The learning rates as they were computed before schedules had names."""
    peak, floor, warmup, steps, last = 0.01, 0.1, 3, 12, (10 if prolonged else 11)

    def once(step):
        if step < warmup:
            return peak * (step + 1) / warmup
        start = warmup + (1.0 - fall) * (last - warmup)
        progress = max(0.0, step - start) / (last - start)
        return peak * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress)))

    def again(step):
        start, least = once(5), floor * peak
        progress = (step - 5) / max(1, steps - 1 - 5)
        return least + (start - least) * 0.5 * (1.0 + math.cos(math.pi * progress))

    return [again(step) if prolonged and step >= 5 else once(step) for step in range(steps)]


def test_twice():
    told = rates(24, (7, 12), (10, 16))
    assert told[:11] == rates(16, (7, 12))[:11]
    assert all(a > b for a, b in itertools.pairwise(told[10:]))
    assert told[-1] == pytest.approx(0.001)


def test_a_run_is_prolonged_where_it_stopped(stopped):
    """Step 8's loss is computed before its update, so all that was there before is seen to be the same."""
    shutil.copytree(stopped.out, f"{stopped.out}-12")
    whole = losses(train(Trainer(replace(stopped, out=f"{stopped.out}-12"), resume=True)))
    events = train(Trainer(replace(stopped, steps=16), resume=True))
    steps = of(events, Stepped)
    assert [step.step for step in steps] == list(range(8, 17))
    assert [step.lr for step in steps] == rates(16, (7, 12))[7:]
    assert losses(events)[0] == whole[0]
    assert of(events, Prolonged) == [Prolonged(7, 12, 16, rates(12)[7], rates(16, (7, 12))[-1], "cosine", 1.0)]
    assert of(events, Finished)[0].complete
    said = json.loads((Path(stopped.out) / "run.json").read_text())
    assert (said["config"]["steps"], said["plan"]["steps"]) == (16, 16)
    assert said["plan"]["prolonged"] == [{"at_step": 7, "steps_before": 12, "fall": 1.0}]
    assert said["plan"]["warmup"] == 3


def test_a_prolonged_run_that_stops_goes_on_bit_for_bit(stopped):
    longer, copy = replace(stopped, steps=16), replace(stopped, steps=16, out=f"{stopped.out}-whole")
    shutil.copytree(stopped.out, copy.out)
    train(Trainer(copy, resume=True))
    train(Trainer(longer, resume=True), until=9)
    events = train(Trainer(longer, resume=True))
    assert not of(events, Prolonged)
    found, expected = state(Path(longer.out)), state(Path(copy.out))
    found["checkpoints"] = expected["checkpoints"] = None
    names = found.keys() & expected.keys()
    assert [name for name in names if found[name] != expected[name]] == []


def test_a_finished_run_goes_on_and_may_be_given_epochs(config):
    train(Trainer(config))
    events = train(Trainer(replace(config, steps=None, epochs=2.0), resume=True))  # 19 windows, two a step
    assert [step.step for step in of(events, Stepped)] == list(range(13, 20))
    assert [step.lr for step in of(events, Stepped)] == pytest.approx([0.001] * 7)
    assert not of(train(Trainer(replace(config, steps=19), resume=True)), Stepped)  # the same length, in other words


def test_fewer_steps_are_refused(stopped):
    with pytest.raises(RunError, match=r"was begun for 12 steps, and 10 are fewer: a run can be prolonged, and Ctrl-C"):
        Trainer(replace(stopped, steps=10), resume=True)


def test_the_plan_is_kept_where_another_version_would_make_another(stopped, monkeypatch):
    def other(*arguments):
        return replace(PLAN, steps=99, lr=9.0, lr_floor=0.9, lr_fall=0.9, warmup=9)

    monkeypatch.setattr("nextword.train.setup.plan", other)
    assert Trainer(stopped, resume=True).setup.plan == replace(PLAN, save_every=2)


def test_windows_and_dropout_are_kept_where_another_version_would_choose_others(config, monkeypatch):
    """The recipe's choice when the run began is in run.json, and counts."""
    open_config = replace(config, window=None, batch_size=None, dropout=None, embedding_std=None)
    began = Trainer(open_config)
    train(began, until=3)
    other = replace(choose(300, TINY), window=8, batch_size=7, dropout=0.7)
    monkeypatch.setattr("nextword.train.plan.choose", lambda *arguments, **settings: other)
    resumed = Trainer(open_config, resume=True)
    assert resumed.setup.plan == began.setup.plan
    assert resumed.setup.windows.window == began.setup.plan.window == 32
    assert resumed.setup.model.config.dropout == began.setup.plan.dropout == 0.0
    assert resumed.setup.config == open_config
