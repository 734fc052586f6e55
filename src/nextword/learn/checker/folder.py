"""An exercise's folder: its experiments, its stub, its known mistakes, and right answers in several styles."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.learn.checker.styles import planted


def exercise_in(
    file: str,
    *,
    title: str,
    task: str,
    symbols: Mapping[str, str],
    hints: tuple[str, ...],
    reference: str | Callable[[Mistakes], Any],
    probes: tuple[Probe, ...],
    inner: tuple[Mistake, ...] = (),
    example: str = "",
) -> Exercise:
    """Make the exercise of the folder in which a file, its exercise.py, stands.

    reference: the name of the answer that is to make the mistakes, or a
    function as an Exercise has it. The others are an Exercise's fields.
    """
    folder = Path(file).parent
    return Exercise(
        name=folder.name,
        title=title,
        task=task,
        symbols=symbols,
        stub=(folder / "stub.py").read_text(encoding="utf-8"),
        hints=hints,
        mistakes=read_mistakes(folder / "mistakes.toml"),
        reference=planted(folder.name, reference) if isinstance(reference, str) else reference,
        probes=probes,
        inner=inner,
        example=example,
    )


def read_mistakes(file: Path) -> tuple[Mistake, ...]:
    """Read [[mistake]] tables of name, equals, remedy and why; a text may be broken into lines anywhere."""
    rows = tomllib.loads(file.read_text(encoding="utf-8"))["mistake"]
    return tuple(Mistake(**{key: " ".join(text.split()) for key, text in row.items()}) for row in rows)
