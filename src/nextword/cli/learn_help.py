"""`nextword learn read`, `hint` and `solution`: help with an exercise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder
from nextword.commands import command

if TYPE_CHECKING:
    from nextword.learn.checker.exercise import Exercise
    from nextword.learn.checker.lines import Line
    from nextword.learn.course.folder import Course


@dataclass(frozen=True)
class ReadArguments:
    """Show the book's chapter on an exercise: its purpose, mathematics, code and mistakes."""

    exercise: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Its number or its name. Default: the first that has not passed."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""


@dataclass(frozen=True)
class HintArguments:
    """Show a hint for an exercise. Each time that you ask, one that says more."""

    exercise: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """Its number or its name. Default: the first that has not passed."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""


@dataclass(frozen=True)
class SolutionArguments:
    """Print code that passes an exercise when it is put into its file. The certificate says how often you asked."""

    exercise: tyro.conf.Positional[str]
    """Its number or its name."""

    dir: Folder = None
    """The folder of exercises. Default: this one, or one below or above."""


def read(arguments: list[str]) -> int:
    """Show a chapter, page by page in a terminal, as it is in a file or a pipe."""
    args = parse(ReadArguments, "learn read", arguments)

    from rich.console import Console
    from rich.markdown import Markdown

    from nextword.learn.checker.track import TRACK
    from nextword.learn.course.chapters import chapter
    from nextword.learn.course.folder import exercise_named, find

    name = find(args.dir).current() if args.exercise is None else exercise_named(args.exercise)
    text = chapter(name or TRACK.names[0])
    console = Console()
    if not console.is_terminal:
        print(text, end="")
        return 0
    with console.pager(styles=True):
        console.print(Markdown(text))
    return 0


def hint(arguments: list[str]) -> int:
    """Print the next hint."""
    args = parse(HintArguments, "learn hint", arguments)

    from nextword.learn.checker.lines import show
    from nextword.learn.checker.track import TRACK
    from nextword.learn.course.folder import exercise_named, find

    course = find(args.dir)
    name = course.current() if args.exercise is None else exercise_named(args.exercise)
    if name is None:
        print("All exercises have passed.")
    else:
        show(next_hint(course, TRACK[name]))
    return 0


def next_hint(course: "Course", exercise: "Exercise") -> list["Line"]:
    """Choose the next hint, or all of them after the last."""
    from nextword.learn.checker.lines import line
    from nextword.learn.checker.track import TRACK

    number, n = TRACK.number(exercise.name), len(exercise.hints)
    before = course.progress[exercise.name].hints
    shown = course.progress.hinted(exercise.name, n).hints
    ours = command("learn", "solution", number)
    title: Line = ((f"Exercise {number}, {exercise.title}: ", "bold"), (f"hint {shown} of {n}", ""))
    if before < n:
        more = "Ask again for more." if shown < n else f"That is the last. Our own code: {ours}"
        return [title, line(exercise.hints[shown - 1]), line(more, "dim")]
    every = [line(f"{index}. {text}") for index, text in enumerate(exercise.hints, 1)]
    title = ((f"Exercise {number}, {exercise.title}: ", "bold"), ("all hints", ""))
    return [title, *every, line(f"There are no others. Our own code: {ours}", "dim")]


def solution(arguments: list[str]) -> int:
    """Print a solution, and note in the folder of exercises, if there is one, that it was seen."""
    args = parse(SolutionArguments, "learn solution", arguments)

    from nextword.learn.checker.track import TRACK
    from nextword.learn.course.folder import CourseError, exercise_named, find
    from nextword.learn.course.solution import printed

    name = exercise_named(args.exercise)
    print(printed(TRACK[name]), end="")
    try:
        course = find(args.dir)
    except CourseError:
        if args.dir is not None:
            raise
    else:
        course.progress.solution_seen(name)
    return 0
