"""The interview's questions on GPT-2's internals, with worked answers and citations of our source.

They stand in `questions/`, a TOML file a topic. An answer is shown line by line as it is written there. An equation in
one is written out in figures ("12 * 64 = 768"), so that tests can work it out again.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nextword.errors import NextwordError

PACKAGE = Path(__file__).parents[2]
QUESTIONS = Path(__file__).with_name("questions")

TOPICS = ("tokens", "model", "attention", "numbers", "training", "writing", "weights", "speed")
"""The topics in the order of the track; each is a file of `questions/`."""

LEVELS = (1, 2, 3)
"""1: whoever has read about GPT-2. 2: whoever has built one. 3: whoever has thought about why."""


@dataclass(frozen=True)
class Citation:
    """A place in our source that shows an answer.

    file: within the package, such as model/plain.py. text: a piece of that file
    which stands there once. The line is looked up when it is asked for, so that
    it cannot drift.
    """

    file: str
    text: str

    @property
    def path(self) -> Path:
        """Where the file is on this machine."""
        return PACKAGE / self.file

    def line(self) -> int:
        """The number of the line where the text begins, from 1.

        Raises NextwordError where it does not stand there exactly once.
        """
        source = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        if (count := source.count(self.text)) != 1:
            raise NextwordError(
                f"{self.path} should have {self.text!r} once, and has it {count} times: was it edited? "
                "Undo that, or install nextword again."
            )
        return source.count("\n", 0, source.index(self.text)) + 1

    def where(self) -> str:
        """file:line, as editors and terminals understand it; the file alone where someone has edited the text away."""
        try:
            return f"{self.file}:{self.line()}"
        except NextwordError:
            return self.file


@dataclass(frozen=True)
class Question:
    """Something that a good interviewer asks about GPT-2.

    id: its name, one word or several with hyphens. topic and level: see `TOPICS`
    and `LEVELS`. ask: one or two sentences. answer: worked, to be shown as it
    is, in lines of at most 80 characters. cites: at least one.
    """

    id: str
    topic: str
    level: int
    ask: str
    answer: str
    cites: tuple[Citation, ...]


@cache
def load_deck() -> tuple[Question, ...]:
    """All questions, topic by topic and, within a topic, in the order of the file."""
    return tuple(question for topic in TOPICS for question in read_topic(topic))


def read_topic(topic: str) -> tuple[Question, ...]:
    """The questions of one topic.

    Raises NextwordError, naming the file, where it is not there or not a list
    of questions.
    """
    file = QUESTIONS / f"{topic}.toml"
    try:
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["question"]
        return tuple(
            Question(
                id=row["id"],
                topic=topic,
                level=row["level"],
                ask=row["ask"],
                answer=row["answer"].strip("\n"),
                cites=tuple(Citation(cite["file"], cite["text"]) for cite in row["cites"]),
            )
            for row in rows
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise NextwordError(f"{file} cannot be read as questions ({error!r}). Install nextword again.") from error
