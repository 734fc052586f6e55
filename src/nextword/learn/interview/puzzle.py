"""The interview's puzzle: a short file with one planted mistake, against the clock.

The files and the mistakes are those that prove the checker (`audit.py`), so
that whether a puzzle is solved is what a check of the exercise says.
"""

import difflib
import random
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from nextword.errors import NextwordError
from nextword.learn.checker.exercise import Exercise, Mistake
from nextword.learn.checker.styles import Style, styles
from nextword.learn.checker.track import TRACK
from nextword.learn.course.folder import MARK, Course
from nextword.learn.course.starting import write

SHORTEST, LONGEST = 6, 70
"""How many lines of code a puzzle may have."""

GIVEN_AWAY = re.compile(r"\b(if|elif|while) (True|False)\b|\bif 0\b|-100\b")
"""What stands in planted code only because something was taken out there: one sees it at once."""

FILE = "puzzle.py"


class InterviewError(NextwordError, ValueError):
    """An interview that cannot be begun as asked."""


@dataclass(frozen=True)
class Puzzle:
    """A right answer to an exercise with one mistake in it."""

    style: Style
    mistake: Mistake

    @property
    def exercise(self) -> Exercise:
        """What the file is meant to be an answer to."""
        return TRACK[self.style.exercise]

    @cached_property
    def planted(self) -> str:
        """The code with the mistake."""
        return self.style.source(self.mistake.name)

    @cached_property
    def right(self) -> str:
        """The code without it."""
        return self.style.source()

    def changes(self) -> list[str]:
        """The lines that differ, as a diff shows them: `- ` as planted, `+ ` as it should be."""
        lines = difflib.ndiff(self.planted.splitlines(), self.right.splitlines())
        return [line for line in lines if line[0] in "+-"]

    def text(self) -> str:
        """The whole file: what it should do, and the code."""
        task = self.exercise.task.strip().replace('"""', "'''").replace("\\", "\\\\")
        header = f"{self.exercise.title}. One mistake is planted in this file: find it, and mend it.\n\n{task}\n"
        return f'"""{header}"""\n\n{self.planted}'


@cache
def puzzles() -> tuple[Puzzle, ...]:
    """All puzzles: the fair ones among the mistakes of each style."""
    found = (
        Puzzle(style, exercise.mistake(name))
        for exercise in TRACK
        for style in styles(exercise.name)
        for name in style.mistakes
    )
    return tuple(puzzle for puzzle in found if is_fair(puzzle))


def is_fair(puzzle: Puzzle) -> bool:
    """Test whether a puzzle's code has a fair length and does not give the mistake away."""
    if not SHORTEST <= len(puzzle.planted.splitlines()) <= LONGEST or GIVEN_AWAY.search(puzzle.planted):
        return False
    return puzzle.mistake.name not in puzzle.planted.replace("_", "-")


def choose_puzzle(seed: int) -> Puzzle:
    """Choose the puzzle of a seed: an exercise first, then one of its puzzles."""
    by_exercise: dict[str, list[Puzzle]] = {}
    for puzzle in puzzles():
        by_exercise.setdefault(puzzle.exercise.name, []).append(puzzle)
    draw = random.Random(f"interview {seed}")
    return draw.choice(by_exercise[draw.choice(sorted(by_exercise))])


def set_up(puzzle: Puzzle, folder: Path) -> Course:
    """Write the puzzle into a folder of its own, and return that as a course.

    Raises InterviewError for a folder that holds other things; a puzzle that is
    there already is kept under the next free name.
    """
    if folder.exists() and not (folder / FILE).exists() and any(folder.iterdir()):
        raise InterviewError(f"{folder} holds other things than a puzzle: choose another folder with --dir.")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    if file.exists():
        n = 1
        while (kept := file.with_name(f"{FILE}.{n}.bak")).exists():
            n += 1
        file.rename(kept)
    write(folder / MARK, f'[exercises]\n{puzzle.exercise.name} = "{FILE}"\n')
    write(file, puzzle.text())
    return Course(folder)
