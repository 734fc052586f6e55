"""Ask the interview's questions, and tally the grades that learners give themselves.

Nothing here prints or waits for a key: the command line shows a question, then its answer, and tells the grade.

    grades = Grades(path)
    session = Session(choose(10, seed=1, grades=grades.read()), grades)
    while question := session.question:
        ...
        session.grade("partly")
    summary = session.summary()
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from nextword.errors import NextwordError
from nextword.learn.interview.deck import TOPICS, Question, load_deck
from nextword.runtime import replacing
from nextword.runtime.locks import alone

Grade = Literal["knew", "partly", "no"]
"""What the learner says of an answer once the right one is there."""

GRADES: tuple[Grade, ...] = get_args(Grade)
URGENCY: Mapping[Grade | None, int] = {"no": 0, "partly": 1, None: 2, "knew": 3}
"""What is asked first; None is what was never asked."""

VERSION = 1


class GradesError(NextwordError, ValueError):
    """A file of grades that cannot be read."""


class Grades:
    """The latest grade of each question, kept in a JSON file.

    {"version": 1, "grades": {"scale": "knew", "flash": "no"}}, the one given
    longest ago first. Each grade is written at once, whole, and safe from other
    processes. Questions that this deck does not have are kept.
    """

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> dict[str, Grade]:
        """Grades by the questions' ids, oldest first. Raises GradesError for a file that is not ours."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        try:
            grades: dict[str, Grade] = json.loads(text)["grades"]
            unknown = [grade for grade in grades.values() if grade not in GRADES]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._unreadable(error) from None
        if unknown:
            raise self._unreadable(f"{unknown[0]!r} is no grade")
        return grades

    def note(self, question: Question, grade: Grade) -> None:
        """Remember the latest grade of a question. Makes the folder if need be."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with alone(self.path):
            grades = self.read()
            grades.pop(question.id, None)  # so that it stands last
            grades[question.id] = grade
            with replacing(self.path) as beside:
                beside.write_text(json.dumps({"version": VERSION, "grades": grades}, indent=1), encoding="utf-8")

    def _unreadable(self, reason: object) -> GradesError:
        return GradesError(f"{self.path} cannot be read as an interview's grades ({reason}): rename it to begin anew.")


def choose(
    n: int, seed: int, grades: Mapping[str, Grade] | None = None, deck: Sequence[Question] | None = None
) -> tuple[Question, ...]:
    """Choose n questions in the order to ask them; all, if there are fewer.

    First those that were not known last time, then those known in part, those
    never asked, and those known, the ones asked longest ago first. Among equals
    topics take turns, and within a topic levels do; the seed decides the rest.
    grades: see `Grades.read`. deck: the questions to choose from, if not all.
    Raises ValueError for n < 1.
    """
    if n < 1:
        raise ValueError(f"An interview needs at least 1 question, not {n}.")
    grades = grades or {}
    left = list(load_deck() if deck is None else deck)
    random.Random(seed).shuffle(left)  # what follows takes the first of equals
    turn = {id: place for place, id in enumerate(grades)}
    topics, levels, pairs = Counter[str](), Counter[int](), Counter[tuple[str, int]]()
    chosen: list[Question] = []
    while left and len(chosen) < n:

        def rank(question: Question) -> tuple[int, ...]:
            grade = grades.get(question.id)
            pair = (question.topic, question.level)
            waiting = turn[question.id] if grade == "knew" else 0
            return (URGENCY[grade], waiting, topics[question.topic], pairs[pair], levels[question.level])

        best = min(left, key=rank)
        left.remove(best)
        chosen.append(best)
        topics[best.topic] += 1
        levels[best.level] += 1
        pairs[best.topic, best.level] += 1
    return tuple(chosen)


@dataclass(frozen=True)
class Tally:
    """How many of a topic's questions were known, in part, or not."""

    topic: str
    knew: int
    partly: int
    no: int

    @property
    def asked(self) -> int:
        """All of them."""
        return self.knew + self.partly + self.no


@dataclass(frozen=True)
class ToRead:
    """A question not known well, and the source lines (file:line) that answer it."""

    question: Question
    grade: Grade
    places: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """Summary of a session: each topic asked, and the questions to read again, weakest first."""

    tallies: tuple[Tally, ...]
    again: tuple[ToRead, ...]

    @property
    def total(self) -> Tally:
        """All topics together."""
        knew, partly, no = (sum(getattr(tally, grade) for tally in self.tallies) for grade in GRADES)
        return Tally("all", knew, partly, no)


class Session:
    """Some questions, one after the other, and the grades that the learner gave so far.

    memory: where every grade is also kept, at once, so that a session that is
    broken off has counted.
    """

    def __init__(self, questions: Sequence[Question], memory: Grades | None = None):
        self.questions = tuple(questions)
        self._memory = memory
        self._grades: list[Grade] = []

    @property
    def number(self) -> int:
        """The number of the question at hand, from 1; one more than there are when all are graded."""
        return len(self._grades) + 1

    @property
    def question(self) -> Question | None:
        """The question at hand; None when all are graded."""
        return self.questions[len(self._grades)] if len(self._grades) < len(self.questions) else None

    def grade(self, grade: Grade) -> None:
        """Note how well the question at hand was known, and go on to the next.

        Raises ValueError for another word than those of `GRADES`, and where no
        question is left.
        """
        if grade not in GRADES:
            raise ValueError(f"{grade!r} is no grade: choose {', '.join(GRADES)}.")
        if self.question is None:
            raise ValueError("All questions are graded: there is none left.")
        if self._memory is not None:
            self._memory.note(self.question, grade)
        self._grades.append(grade)

    def summary(self) -> Summary:
        """What the grades given so far come to."""
        graded = list(zip(self.questions, self._grades, strict=False))
        count = Counter((question.topic, grade) for question, grade in graded)
        tallies = (Tally(topic, *(count[topic, grade] for grade in GRADES)) for topic in TOPICS)
        weak = sorted((pair for pair in graded if pair[1] != "knew"), key=lambda pair: URGENCY[pair[1]])
        return Summary(
            tallies=tuple(tally for tally in tallies if tally.asked),
            again=tuple(ToRead(question, grade, tuple(c.where() for c in question.cites)) for question, grade in weak),
        )
