"""The solution of an exercise as text: put into the exercise's file as it is, it passes."""

import ast
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.styles import styles


def printed(exercise: Exercise) -> str:
    """Print the package's own code with its imports, or the exercise's example answer."""
    ours = [exercise.ours(symbol) for symbol in exercise.symbols]
    if exercise.example:
        answer = next(style for style in styles(exercise.name) if style.name == exercise.example).source()
        places = ", ".join(place_and_source(one)[0] for one in ours)
        return f"{answer.strip()}\n\n\n# nextword's own does more than is asked for here: {places}\n"
    pieces = [f"# {place}\n\n{source.strip()}" for place, source in map(place_and_source, ours)]
    return "\n\n\n".join(["\n".join(imports_of(ours)), *pieces]) + "\n"


def imports_of(solutions: Iterable[Any]) -> list[str]:
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
