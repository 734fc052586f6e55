"""`nextword learn hint` and `solution`: for those who are stuck."""

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from nextword.cli.arguments import parse
from nextword.cli.learn_folder import Folder
from nextword.commands import command

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
    ours = command("learn", "solution", number)
    title: Line = ((f"Exercise {number}, {exercise.title}: ", "bold"), (f"hint {shown} of {n}", ""))
    if before < n:
        more = "Ask again for more." if shown < n else f"That is the last. Our own code: {ours}"
        return [title, line(exercise.hints[shown - 1]), line(more, "dim")]
    every = [line(f"{index}. {text}") for index, text in enumerate(exercise.hints, 1)]
    title = ((f"Exercise {number}, {exercise.title}: ", "bold"), ("all hints", ""))
    return [title, *every, line(f"There are no others. Our own code: {ours}", "dim")]


def solution(arguments: list[str]) -> int:
    """Print the source of each of the exercise's symbols, straight from the package, with the imports that it needs."""
    args = parse(SolutionArguments, "learn solution", arguments)

    from nextword.learn.folder import exercise_named
    from nextword.learn.track import TRACK

    exercise = TRACK[exercise_named(args.exercise)]
    solutions = [exercise.ours(symbol) for symbol in exercise.symbols]
    print("\n".join(imports_of(solutions)))
    for ours in solutions:
        place, source = place_and_source(ours)
        print(f"\n\n# {place}\n\n{source.rstrip()}")
    return 0


def imports_of(solutions: list[Any]) -> list[str]:
    """The import statements with which these functions and classes run as they are, in any file.

    What their modules import is imported likewise, and what these define
    themselves is imported from them.
    """
    own = {ours.__name__ for ours in solutions}
    lines: set[str] = set()
    for ours in solutions:
        module = inspect.getmodule(ours)
        assert module is not None
        used = {node.id for node in ast.walk(ast.parse(inspect.getsource(ours))) if isinstance(node, ast.Name)} - own
        statements = ast.parse(inspect.getsource(module)).body
        imported = {
            alias.asname or alias.name: ast.unparse(statement_for(statement, alias))
            for statement in statements
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for alias in statement.names
        }
        lines |= {imported[name] for name in used if name in imported}
        defined = sorted(name for name in used if name not in imported and name in vars(module))
        lines |= {f"from {module.__name__} import {', '.join(defined)}"} if defined else set()
    return sorted(lines, key=lambda line: ("nextword" in line, line.split()[1], line[0] == "f", line))


def statement_for(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    """The import of one name out of a statement that may import several."""
    if isinstance(statement, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(statement.module, [alias], statement.level)


def place_and_source(ours: Any) -> tuple[str, str]:
    """Where a function or a class of the package stands, as file:line, and its source."""
    lines, start = inspect.getsourcelines(ours)
    return f"{Path(inspect.getsourcefile(ours) or '')}:{start}", "".join(lines)
