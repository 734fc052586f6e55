"""What `nextword eval` prints."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextword.evaluate.task import Measure, Outcome, Published, Result, Task

GPT2_PARAMS = 124_439_808

CLOSE = 0.01
"""A figure is as published if it differs by less than this share of it."""


@dataclass(frozen=True)
class Measured:
    """A model's outcomes on a task. is_gpt2: whether it has the shape of the model that figures were published of."""

    name: str
    measures: "tuple[Measure, ...]"
    outcomes: "list[Outcome]"
    is_gpt2: bool


def is_gpt2(n_params: int) -> bool:
    """Tell whether a model has the size of the one that figures were published of."""
    return n_params == GPT2_PARAMS


def heading(task: "Task") -> str:
    """Describe a task, its protocol and its size."""
    return f"{task.name}, {task.protocol}: {task.n_items:,} {task.unit}. {task.about}\n"


def report(measured: list[Measured], in_json: bool, plot: str | None) -> None:
    """Print the figures, and draw what is to be drawn."""
    from nextword.evaluate.task import results

    found = [results(one.measures, one.outcomes) for one in measured]
    if in_json:
        said = [
            {"model": one.name, "measures": [as_json(result) for result in rows]}
            for one, rows in zip(measured, found, strict=True)
        ]
        print(json.dumps(said, indent=1))
    else:
        print(*table(measured, found), sep="\n")
    if plot is not None:
        from nextword.evaluate.plot import plot_by_position
        from nextword.evaluate.text import loss_by_position

        plot_by_position({one.name: loss_by_position(one.outcomes) for one in measured}, Path(plot).expanduser())


def table(measured: list[Measured], found: "list[list[Result]]") -> Iterator[str]:
    """Write each measure's figures, one model a line, and what was published."""
    from nextword.evaluate.task import difference

    width = max(len(one.name) for one in measured)
    for number, measure in enumerate(measured[0].measures):
        yield measure.name
        for one, rows in zip(measured, found, strict=True):
            row = rows[number]
            value, low, high = (shown(number, measure) for number in (row.value, row.low, row.high))
            line = f"  {one.name:<{width}}  {value}  ({low} to {high})"
            if one is not measured[0]:
                gap = difference(measure, one.outcomes, measured[0].outcomes)
                by, least, most = (signed(number, measure) for number in gap)
                line += f"   {by} ({least} to {most})" + ("" if gap[1] > 0 or gap[2] < 0 else ", may be chance")
            yield line
        for known in measure.known:
            said = verdict(known, measured, [rows[number] for rows in found])
            yield f"  published of gpt2: {shown(known.value, measure)} ({known.source}){said}"
    yield "\nIn brackets: the range in which it would lie, at 95 percent, had other items been drawn."


def verdict(known: "Published", measured: list[Measured], found: "list[Result]") -> str:
    """Compare a model of gpt2's shape with a published figure, in words."""
    for one, result in zip(measured, found, strict=True):
        if one.is_gpt2:
            gap = abs(result.value - known.value) / known.value
            if gap < CLOSE:
                return f": {one.name} has the same"
            inside = result.low <= known.value <= result.high
            return f": {one.name} is {gap:.0%} off, {'as other items might be' if inside else 'more than chance'}"
    return ""


def as_json(result: "Result") -> dict[str, Any]:
    """Write a figure for a program."""
    measure = result.measure
    known = [{"value": known.value, "source": known.source} for known in measure.known]
    return {"name": measure.name, "value": result.value, "low": result.low, "high": result.high, "published": known}


def shown(value: float, measure: "Measure") -> str:
    """Write a share as percent, a loss with four digits, a perplexity with two."""
    if measure.percent:
        return f"{value:.2%}"
    return f"{value:,.2f}" if "perplexity" in measure.name else f"{value:.4f}"


def signed(value: float, measure: "Measure") -> str:
    """Write a difference."""
    return ("+" if value >= 0 else "-") + shown(abs(value), measure)
