"""`nextword learn audit`: plant every known mistake in answers of several styles, and see whether it is named."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import counted

if TYPE_CHECKING:
    from nextword.learn.checker.audit import Trial
    from nextword.learn.checker.lines import Line, Span

RIGHT, WRONG, NOTHING = "ok", "WRONG", "."


@dataclass(frozen=True)
class Arguments:
    """Check the checker. Every mistake that it knows is planted in right answers of different styles, and must be
    named; every right answer must pass; every stub must fail. Exits with 1 if any of that is not so.
    """

    exercise: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """One exercise's number or name. Default: all."""

    markdown: bool = False
    """As Markdown, for a page."""

    json: bool = False
    """For programs: one JSON object, as docs/classroom.md describes it."""


def audit(arguments: list[str]) -> int:
    """Print a matrix for each exercise: its mistakes by the styles in which they were planted."""
    args = parse(Arguments, "learn audit", arguments)

    import torch

    from nextword.learn.checker.audit import audit
    from nextword.learn.checker.lines import show
    from nextword.learn.checker.track import TRACK
    from nextword.learn.course.folder import exercise_named

    torch.set_num_threads(1)
    names = TRACK.names if args.exercise is None else (exercise_named(args.exercise),)
    all_trials: list[Trial] = []
    for name in names:
        trials = list(audit(TRACK[name]))
        all_trials += trials
        if args.json:
            continue
        if args.markdown:
            print("\n".join(as_markdown(name, trials)))
        else:
            show(as_matrix(name, trials))
    failed = [trial for trial in all_trials if not trial.right]
    if args.json:
        print(json.dumps(as_json(all_trials), indent=1))
    else:
        print(summary(all_trials))
    return 1 if failed else 0


def summary(trials: Sequence["Trial"]) -> str:
    """How many there were of what, in a sentence."""
    failed = sum(not trial.right for trial in trials)
    planted = [trial for trial in trials if trial.mistake]
    mistakes = len({(trial.exercise, trial.mistake) for trial in planted})
    exercises = len({trial.exercise for trial in trials})
    styles = len({(trial.exercise, trial.answer) for trial in trials if trial.answer not in ("stub", "solution")})
    outcome = "All as it should be." if not failed else f"{failed} not as it should be."
    return (
        f"{counted(exercises, 'exercise')}, {counted(mistakes, 'mistake')}, {counted(styles, 'right answer')}, "
        f"{counted(len(planted), 'planting')}; {counted(len(trials), 'check')} in all. {outcome}"
    )


def table(trials: Sequence["Trial"]) -> tuple[list[str], list[tuple[str, list["Trial | None"]]]]:
    """The answers (columns), and for each mistake its trials in them, with the unplanted answers first."""
    answers = list(dict.fromkeys(trial.answer for trial in trials))
    rows: dict[str | None, dict[str, Trial]] = {None: {}}
    for trial in trials:
        rows.setdefault(trial.mistake, {})[trial.answer] = trial
    return answers, [
        (mistake or "(as it is)", [row.get(answer) for answer in answers]) for mistake, row in rows.items()
    ]


def as_matrix(name: str, trials: Sequence["Trial"]) -> list["Line"]:
    """The matrix of one exercise for a terminal, and below it what went wrong."""
    from nextword.learn.checker.lines import line
    from nextword.learn.checker.track import TRACK

    answers, rows = table(trials)
    first = max(len(label) for label, _ in rows)
    lines: list[Line] = [line(f"{TRACK.number(name)}  {TRACK[name].title}", "bold")]
    lines.append(((f"  {'':<{first}}  " + "  ".join(answers), "dim"),))
    for label, cells in rows:
        spans: list[Span] = [(f"  {label:<{first}}", "")]
        for answer, cell in zip(answers, cells, strict=True):
            word = NOTHING if cell is None else RIGHT if cell.right else WRONG
            spans.append((f"  {word:<{len(answer)}}", "dim" if cell is None else "good" if cell.right else "bad"))
        lines.append(tuple(spans))
    for trial in trials:
        if not trial.right:
            planted = f" with {trial.mistake}" if trial.mistake else ""
            lines.append(line(f"  {trial.answer}{planted}: expected {trial.expected}, found {trial.found}", "bad"))
    return [*lines, ()]


def as_markdown(name: str, trials: Sequence["Trial"]) -> list[str]:
    """Write the matrix of one exercise in Markdown."""
    from nextword.learn.checker.track import TRACK

    answers, rows = table(trials)
    lines = [f"### {TRACK.number(name)}. {TRACK[name].title}", "", f"| planted | {' | '.join(answers)} |"]
    lines.append(f"|---|{'---|' * len(answers)}")
    for label, cells in rows:
        words = ["" if cell is None else RIGHT if cell.right else f"**{cell.found}**" for cell in cells]
        lines.append(f"| {label} | {' | '.join(words)} |")
    return [*lines, ""]


def as_json(trials: Sequence["Trial"]) -> dict[str, object]:
    """All trials for programs."""
    listed = [
        {
            "exercise": trial.exercise,
            "answer": trial.answer,
            "planted": trial.mistake,
            "expected": trial.expected,
            "found": trial.found,
            "right": trial.right,
        }
        for trial in trials
    ]
    n_wrong = sum(not trial.right for trial in trials)
    return {"version": 1, "n_trials": len(listed), "n_wrong": n_wrong, "trials": listed}
