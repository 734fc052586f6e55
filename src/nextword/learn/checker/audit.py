"""The proof that the checker is right: every mistake planted, every right answer tried.

A row of the matrix is a mistake, a column is a style: the cell says as what
the mistake was diagnosed when it was planted in an answer of that style.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nextword.learn.checker.diagnosis import Diagnosis, diagnose
from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.parts import OurParts
from nextword.learn.checker.styles import Style, run_source, styles


@dataclass(frozen=True)
class Trial:
    """One answer that was checked, with the diagnosis expected and the one found.

    answer: the style's name, or "stub" or "solution". mistake: the one that was planted, if any.
    """

    exercise: str
    answer: str
    mistake: str | None
    expected: str
    found: str

    @property
    def right(self) -> bool:
        """Whether the diagnosis is the expected one."""
        return self.expected == self.found


def audit(exercise: Exercise) -> Iterator[Trial]:
    """Check an exercise's stub, its solution, and its styles with and without every mistake."""
    yield trial(exercise, "stub", None, "unfinished", exercise.code())
    yield Trial(exercise.name, "solution", None, "passed", in_words(diagnose(exercise, OurParts("parts"))))
    for style in styles(exercise.name):
        yield trial(exercise, style.name, None, "passed", style.source())
        for mistake in style.mistakes:
            yield trial(exercise, style.name, mistake, mistake, style.source(mistake))


def trial(exercise: Exercise, answer: str, mistake: str | None, expected: str, source: str) -> Trial:
    """Check one answer, given as source code."""
    try:
        found = in_words(diagnose(exercise, run_source(source, f"{exercise.name}_{answer}")))
    except Exception as error:  # the answer cannot even be imported
        found = f"{type(error).__name__}: {error}"
    return Trial(exercise.name, answer, mistake, expected, found)


def in_words(diagnosis: Diagnosis) -> str:
    """A diagnosis as the matrix shows it: the mistakes' names, or the status."""
    return " + ".join(diagnosis.names) or diagnosis.status


def unplanted(exercise: Exercise, at_least: int = 2) -> list[str]:
    """The mistakes that fewer than so many styles plant."""
    planted = [name for style in styles(exercise.name) for name in style.mistakes]
    return [mistake.name for mistake in exercise.mistakes if planted.count(mistake.name) < at_least]


def planters(exercise: Exercise, mistake: str) -> list[Style]:
    """The styles in which a mistake can be planted."""
    return [style for style in styles(exercise.name) if mistake in style.mistakes]
