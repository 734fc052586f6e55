"""A run that is given more steps than it was begun with: its plan, and its learning rate from there on."""

import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from nextword.errors import RunError
from nextword.train.config import LENGTHS, Plan, Prolongation, TrainConfig
from nextword.train.schedule import learning_rate


def resumed_plan(path: Path, config: TrainConfig, planned: Plan, recorded: dict[str, Any], step: int) -> Plan:
    """The plan that a run goes on by: the one it was begun with, with more steps where it is given more.

    planned: what the settings come to now. recorded: what run.json says. step: how many updates have been made.
    Raises RunError where it is given fewer steps than before.
    """
    said: dict[str, Any] = {"lr_floor": 0.1, "lr_fall": 1.0}  # as it was before there were such settings
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
    return replace(begun, steps=planned.steps, prolonged=(*prolonged, Prolongation(step, begun.steps)))


def rate(plan: Plan, step: int) -> float:
    """The learning rate of update number `step`, from 0: `learning_rate`, and where the run was prolonged, no jump.

    From the step at which it was prolonged it comes down along half a cosine once more, from where it stood to the
    floor, which it now reaches at the new end. A run that was at its end stays at the floor.
    """
    if not plan.prolonged:
        return learning_rate(step, plan.steps, plan.warmup, plan.lr, plan.lr_floor, plan.lr_fall)
    *earlier, last = plan.prolonged
    before = replace(plan, steps=last.steps_before, prolonged=tuple(earlier))
    if step < last.at_step:
        return rate(before, step)
    if last.at_step < plan.warmup:  # it had not come to the peak yet
        return learning_rate(step, plan.steps, plan.warmup, plan.lr, plan.lr_floor, plan.lr_fall)
    start, floor = rate(before, min(last.at_step, last.steps_before - 1)), plan.lr_floor * plan.lr
    progress = (step - last.at_step) / max(1, plan.steps - 1 - last.at_step)
    return floor + (start - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))


def prolonged_description(recorded: dict[str, Any], config: TrainConfig, plan: Plan) -> dict[str, Any]:
    """What run.json says from here on: the new length, and under plan.prolonged the one before and when it ended."""
    lengths = {name: getattr(config, name) for name in LENGTHS}
    return {**recorded, "config": {**recorded["config"], **lengths}, "plan": asdict(plan)}
