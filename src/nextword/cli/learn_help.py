"""`nextword learn hint` and `solution`: for those who are stuck."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder

if TYPE_CHECKING:
    from nextword.learn.exercise import Exercise
    from nextword.learn.folder import Course
    from nextword.learn.lines import Line


@dataclass(frozen=True)
class HintArguments:
    """Show a hint for an exercise. Each time that you ask, one that says more."""

    exercise: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Its number or its name. Default: the first that has not passed."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""


@dataclass(frozen=True)
class SolutionArguments:
    """Print nextword's own code for an exercise, and where it stands."""

    exercise: tyro.conf.Positional[str]
    """Its number or its name."""


def hint(arguments: list[str]) -> int:
    """Print the next hint."""
    args = parse(HintArguments, "learn hint", arguments)

    from nextword.learn.folder import exercise_named, find
    from nextword.learn.lines import show
    from nextword.learn.track import TRACK

    course = find(args.dir)
    name = course.current() if args.exercise is None else exercise_named(args.exercise)
    if name is None:
        print("All exercises have passed.")
    else:
        show(next_hint(course, TRACK[name]))
    return 0


def next_hint(course: "Course", exercise: "Exercise") -> list["Line"]:
    """The hint that was not shown yet, or all of them where there is no other."""
    from nextword.learn.lines import line
    from nextword.learn.track import TRACK

    number, n = TRACK.number(exercise.name), len(exercise.hints)
    before = course.progress[exercise.name].hints
    shown = course.progress.hinted(exercise.name, n).hints
    title: Line = ((f"Exercise {number}, {exercise.title}: ", "bold"), (f"hint {shown} of {n}", ""))
    if before < n:
        more = (
            "Ask again for more." if shown < n else f"That is the last. Our own code: nextword learn solution {number}"
        )
        return [title, line(exercise.hints[shown - 1]), line(more, "dim")]
    every = [line(f"{index}. {text}") for index, text in enumerate(exercise.hints, 1)]
    title = ((f"Exercise {number}, {exercise.title}: ", "bold"), ("all hints", ""))
    return [title, *every, line(f"There are no others. Our own code: nextword learn solution {number}", "dim")]


def solution(arguments: list[str]) -> int:
    """Print the source of each of the exercise's symbols, straight from the package."""
    args = parse(SolutionArguments, "learn solution", arguments)

    from nextword.learn.folder import exercise_named
    from nextword.learn.track import TRACK

    exercise = TRACK[exercise_named(args.exercise)]
    for number, symbol in enumerate(exercise.symbols):
        place, source = place_and_source(exercise.ours(symbol))
        print(f"{'' if number == 0 else chr(10)}# {place}\n\n{source.rstrip()}")
    return 0


def place_and_source(ours: Any) -> tuple[str, str]:
    """Where a function or a class of the package stands, as file:line, and its source."""
    lines, start = inspect.getsourcelines(ours)
    return f"{Path(inspect.getsourcefile(ours) or '')}:{start}", "".join(lines)
