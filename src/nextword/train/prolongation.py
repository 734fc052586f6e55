"""Prolonging a run: the plan of a run with more steps, and its learning rate."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from nextword.errors import RunError
from nextword.train.config import LENGTHS, TrainConfig
from nextword.train.plan import Plan, Prolongation
from nextword.train.schedule import SCHEDULES, fall_progress, learning_rate


def resumed_plan(path: Path, config: TrainConfig, planned: Plan, recorded: dict[str, Any], step: int) -> Plan:
    """Restore the plan of a resumed run, with more steps if it is given more.

    planned: what the settings come to now. recorded: what run.json says. step: how many updates have been made.
    Raises RunError where it is given fewer steps than before.
    """
    said: dict[str, Any] = {"schedule": "cosine", "lr_floor": 0.1, "lr_fall": 1.0}  # before there were such settings
    said |= {name: value for name, value in recorded.get("plan", {}).items() if name in {f.name for f in fields(Plan)}}
    prolonged = tuple(Prolongation(**one) for one in said.get("prolonged", ()))
    begun = replace(planned, **{**said, "prolonged": prolonged})
    now = asdict(config)
    if planned.steps == begun.steps or all(recorded["config"].get(name) == now[name] for name in LENGTHS):
        return begun
    if planned.steps < begun.steps:
        raise RunError(
            f"{path} was begun for {begun.steps} steps, and {planned.steps} are fewer: a run can be prolonged, and "
            "Ctrl-C ends it sooner."
        )
    return replace(begun, steps=planned.steps, prolonged=(*prolonged, Prolongation(step, begun.steps, begun.lr_fall)))


NEARLY_NOTHING = 0.1
"""Of the peak: at a rate below this share, which falls to zero, hardly anything is learnt."""


def rate(plan: Plan, step: int) -> float:
    """Compute the learning rate of update number `step`, without a jump where the run was prolonged.

    From the step at which a run was prolonged it follows its curve once more, from where it stood to the floor, which
    it now reaches at the new end. A run that was at its end stays at the floor; but where that is zero it would learn
    nothing, so it follows its curve as if it had been so long from the beginning.
    """
    if not plan.prolonged:
        return scheduled_rate(plan, step)
    *earlier, last = plan.prolonged
    before = replace(plan, steps=last.steps_before, prolonged=tuple(earlier))
    if step < last.at_step:
        return rate(before, step)
    if last.at_step < plan.warmup:  # it had not come to the peak yet
        return scheduled_rate(plan, step)
    start, floor = rate(before, min(last.at_step, last.steps_before - 1)), plan.lr_floor * plan.lr
    if floor == 0.0 and start < NEARLY_NOTHING * plan.lr:
        return scheduled_rate(plan, step)
    progress = fall_progress(step, last.at_step, plan.steps - 1, last.fall)
    return floor + (start - floor) * SCHEDULES[plan.schedule].curve(progress)


def scheduled_rate(plan: Plan, step: int) -> float:
    """Compute the learning rate of a run that had the plan's length from the beginning."""
    return learning_rate(step, plan.steps, plan.warmup, plan.lr, plan.lr_floor, plan.lr_fall, plan.schedule)


def prolonged_description(recorded: dict[str, Any], config: TrainConfig, plan: Plan) -> dict[str, Any]:
    """Describe a prolonged run for run.json: the new length, and the ones before it."""
    lengths = {name: getattr(config, name) for name in LENGTHS}
    return {**recorded, "config": {**recorded["config"], **lengths}, "plan": asdict(plan)}
