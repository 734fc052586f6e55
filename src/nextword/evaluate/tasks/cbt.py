"""The Children's Book Test: which of ten words is missing in the sentence after twenty others.

Source: Hill et al., "The Goldilocks Principle: Reading Children's Books with Explicit Memory Representations" (2016).
"""

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nextword.errors import DataError
from nextword.evaluate.scoring import Request, Score
from nextword.evaluate.task import Measure, Outcome, Published, Task, mean_of
from nextword.evaluate.tasks.detokenizers import books_as_written
from nextword.evaluate.tasks.pairs import encoded_pair
from nextword.evaluate.tasks.source import TaskData
from nextword.tokenizer import Tokenizer

PAPER = "Radford et al. (2019), table 3"
GAP = "XXXXX"
PART, WHOLE = "paper", "whole"


@dataclass(frozen=True)
class GapQuestion:
    """Twenty sentences, one with a gap, and the words of which one belongs there."""

    sentences: tuple[str, ...]
    gapped: str
    answer: str
    options: tuple[str, ...]


class ChildrensBooks(Task):
    """Sentences with a gap for one of ten words; of common nouns, or of named entities.

    paper: the likeliest word with the rest of its sentence, given all before. whole: the same, by the mean over tokens.
    """

    unit = "questions"
    protocols = (PART, WHOLE)
    aliases: ClassVar[dict[str, str]] = {}
    formats = "cbtest_CN_test_2500ex.txt, or records with sentences, question, answer and options"
    known: Published

    def __init__(self, data: TaskData, tokenizer: Tokenizer, n_ctx: int, protocol: str):
        self._questions = questions_of(data)
        self._tokenizer, self.protocol, self._sha256 = tokenizer, protocol, data.sha256
        self.about = "The likeliest word, with the rest of its sentence" + (
            "." if protocol == PART else ", by the mean over tokens."
        )

    @property
    def n_items(self) -> int:
        """Count the questions."""
        return len(self._questions)

    @property
    def sha256(self) -> str:
        """Identify the questions."""
        return self._sha256

    @property
    def measures(self) -> tuple[Measure, ...]:
        """List what is told of this protocol."""
        return self.measures_of(self.protocol)

    @classmethod
    def measures_of(cls, protocol: str) -> tuple[Measure, ...]:
        """List the accuracy."""
        known = (cls.known,) if protocol == PART else ()
        return (Measure("accuracy", mean_of("correct"), percent=True, known=known),)

    def request(self, item: int) -> Request:
        """Request the text before the gap, with each word and the rest as continuations."""
        question = self._questions[item]
        before, _, after = question.gapped.partition(GAP)
        said = books_as_written(" ".join([*question.sentences, before.rstrip()]))
        pairs = [encoded_pair(self._tokenizer, said, books_as_written(f" {word}{after}")) for word in question.options]
        return Request(pairs[0][0], tuple(end for _, end in pairs))

    def outcome(self, item: int, scores: tuple[Score, ...]) -> Outcome:
        """Count whether the right word is the likeliest."""
        question = self._questions[item]
        values = [
            scored.logprob if self.protocol == PART else scored.logprob / len(scored.logprobs) for scored in scores
        ]
        return {"count": 1.0, "correct": float(question.options[int(np.argmax(values))] == question.answer)}


class CommonNouns(ChildrensBooks):
    """The test's questions for common nouns."""

    name = "cbt-cn"
    hub = "hub:cam-cst/cbt/CN:test"
    known = Published(0.8765, PAPER)


class NamedEntities(ChildrensBooks):
    """The test's questions for names."""

    name = "cbt-ne"
    hub = "hub:cam-cst/cbt/NE:test"
    known = Published(0.834, PAPER)


def questions_of(data: TaskData) -> list[GapQuestion]:
    """Read the questions of records, or of the test's own text format. Raises DataError for what is neither."""
    if data.rows is not None:
        found = [
            GapQuestion(tuple(row["sentences"]), row["question"], row["answer"], tuple(row["options"]))
            for row in data.having("sentences", "question", "answer", "options")
        ]
    else:
        found = [question_of(data.name, block) for block in re.split(r"\n\s*\n", data.text.strip()) if block.strip()]
    for number, question in enumerate(found, 1):
        if GAP not in question.gapped or question.answer not in question.options:
            raise DataError(f"{data.name}: question {number} has no {GAP}, or an answer that is none of its options.")
    return found


def question_of(name: str, block: str) -> GapQuestion:
    """Read a question: 20 numbered sentences, and the 21st with tabs before its answer and its options."""
    *lines, last = block.strip().split("\n")
    fields = last.split("\t")
    if len(fields) < 4:
        raise DataError(f"{name}: expected 21 numbered sentences, the last with its answer and options after tabs.")
    numbered = [line.partition(" ")[2] for line in lines]
    options = tuple(option for option in fields[-1].split("|") if option)
    return GapQuestion(tuple(numbered), fields[0].partition(" ")[2], fields[1], options)
