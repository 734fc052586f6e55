"""`nextword learn check`: one exercise, or all of them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder

if TYPE_CHECKING:
    from nextword.learn.checker.report import Report
    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import Course


@dataclass(frozen=True)
class Arguments:
    """Check an exercise, and say what is wrong with it. Exits with 0 if it passes and with 1 if not yet."""

    exercise: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Its number, its name, its file, or "all". Default: the first that has not passed."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""

    time_limit: float = 20.0
    """How many seconds a check may take."""

    json: bool = False
    """For programs: one JSON object, as docs/classroom.md describes it."""


def check(arguments: list[str]) -> int:
    """Check, and print the report."""
    args = parse(Arguments, "learn check", arguments)

    from nextword.learn.course.checking import Checker
    from nextword.learn.course.folder import exercise_named, find

    course = find(args.dir)
    with Checker(args.time_limit) as checker:
        if args.exercise == "all":
            return check_all(course, checker, args.json)
        name = course.current() if args.exercise is None else exercise_named(args.exercise)
        if name is None:
            print(json.dumps(None) if args.json else "All exercises have passed.")
            return 0
        done = checker.check(course, name)
    if args.json:
        print(json.dumps({"version": 1, **done.as_json()}, indent=1))
    else:
        show_one(done, course)
    return 0 if done.passed else 1


def show_one(done: "Report", course: "Course") -> None:
    """A report, and where to get help."""
    from nextword.learn.checker.lines import line, show
    from nextword.learn.checker.track import TRACK

    show(done.whole())
    if not done.passed:
        show([(), line(f"A hint: {course.command('hint', TRACK.number(done.exercise))}", "dim")])


def check_all(course: "Course", checker: "Checker", as_json: bool) -> int:
    """Check every exercise, with a line each. They go in order: later ones use the parts that have passed."""
    from nextword.learn.checker.track import TRACK

    reports = []
    for name in TRACK.names:
        reports.append(checker.check(course, name))
        if not as_json:
            print(in_one_line(reports[-1]), flush=True)
    n_passed = sum(done.passed for done in reports)
    if as_json:
        totals = {"version": 1, "n_passed": n_passed, "n_exercises": len(reports)}
        print(json.dumps({**totals, "exercises": [done.as_json() for done in reports]}, indent=1))
    else:
        print(f"\n{n_passed} of {len(reports)} passed.")
    return 0 if n_passed == len(reports) else 1


def in_one_line(done: "Report") -> str:
    """An exercise and its outcome: 7 layer_norm      not yet: equals a LayerNorm with the unbiased variance"""
    from nextword.learn.checker.track import TRACK

    words = {
        "passed": "passed",
        "unfinished": "still to be written",
        "unreadable": "cannot be read",
        "crashed": "crashed",
        "timeout": "no end within the time limit",
    }.get(done.status, "not yet")
    if done.mistakes:
        words += f": equals {' and, besides, '.join(mistake['equals'] for mistake in done.mistakes)}"
    elif done.status == "wrong":
        words += f": {done.n_right} of {done.n_probes} experiments agree"
    return f"{TRACK.number(done.exercise):>2}  {done.exercise:<18} {words}"
