"""What the book says of exercises: it comes from the exercises themselves.

{exercise} name          what it asks for, and where to write it
{mistakes} name          its classic mistakes
{report} name mistake    what the checker says to an answer with that mistake
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from readable import CODE, said
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nextword.learn.checker.exercise import Exercise
from nextword.learn.checker.track import TRACK

PROJECT = Path(__file__).parent.parent.parent


class OfExercise(SphinxDirective):
    """A directive whose argument is an exercise's name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the nodes."""
        name = self.arguments[0]
        if name not in TRACK.names:
            raise self.error(f"There is no exercise {name!r}.")
        self.note_sources(name)
        return list(self.made_of(TRACK[name]))

    def note_sources(self, name: str) -> None:
        """Have the page made anew when the exercise changes, or the order of them."""
        folder = PROJECT / "src/nextword/learn/exercises"
        for file in (*(folder / name).glob("*.py"), folder / name / "mistakes.toml", *folder.glob("*/__init__.py")):
            self.env.note_dependency(str(file))

    def made_of(self, exercise: Exercise) -> Iterator[nodes.Node]:
        """What stands in the directive's place."""
        raise NotImplementedError


class Task(OfExercise):
    """{exercise} layer_norm: the task, the file to write it in, and the commands."""

    def made_of(self, exercise: Exercise) -> Iterator[nodes.Node]:
        """The task, its file, and how to have it checked."""
        number = TRACK.number(exercise.name)
        box = nodes.container(classes=["exercise"])
        box += nodes.paragraph("", "", *heading(number, exercise))
        box += blocks(exercise.task)
        commands = f"nextword learn check {number}\nnextword learn hint {number}"
        box += nodes.literal_block(commands, commands, language="text")
        yield box


class Said(SphinxDirective):
    """{report} layer_norm unbiased-variance: what the checker says to an answer in which that was planted."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Plant, check, and show."""
        shown = said(*self.arguments)
        return [nodes.literal_block(shown, shown, language="text")]


class Mistakes(OfExercise):
    """{mistakes} layer_norm: each known mistake: what it is, what to do, and why."""

    def made_of(self, exercise: Exercise) -> Iterator[nodes.Node]:
        """A sentence, then a list that says what the checker says."""
        yield nodes.paragraph(
            text="When an answer is wrong, the checker looks for one of these in it. Your answer equals"
        )
        listed = nodes.definition_list(classes=["mistakes"])
        for mistake in exercise.mistakes:
            term = nodes.term("", "", *inline(mistake.equals))
            term["ids"].append(mistake_id(exercise.name, mistake.name))
            why = nodes.paragraph("", "", *inline(mistake.why), classes=["why"])
            meaning = nodes.definition("", nodes.paragraph("", "", *inline(mistake.remedy)), why)
            listed += nodes.definition_list_item("", term, meaning)
        yield listed


def heading(number: int, exercise: Exercise) -> Iterator[nodes.Node]:
    """Which exercise it is, and the file that it is written in."""
    yield nodes.strong(text=f"Exercise {number}: {exercise.title}")
    yield nodes.Text(" in ")
    yield nodes.literal(text=f"my_gpt2/{file_of(exercise)}")


def file_of(exercise: Exercise) -> str:
    """The file that the learner writes an exercise in."""
    return f"ex{TRACK.number(exercise.name):02}_{exercise.name}.py"


def mistake_id(exercise: str, mistake: str) -> str:
    """The anchor of a mistake on its chapter's page."""
    return nodes.make_id(f"mistake-{exercise}-{mistake}")


def blocks(text: str) -> Iterator[nodes.Node]:
    """A text for the terminal as paragraphs, and what is indented in it as it is."""
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if all(line.startswith("    ") for line in part.splitlines()):
            shown = "\n".join(line[4:] for line in part.splitlines())
            yield nodes.literal_block(shown, shown, language="text")
        else:
            yield nodes.paragraph("", "", *inline(" ".join(part.split())))


def inline(text: str) -> Iterator[nodes.Node]:
    """A text for the terminal with what is code in it set as code."""
    end = 0
    for found in CODE.finditer(text):
        yield nodes.Text(text[end : found.start()])
        yield nodes.literal(text=found[1] or found[2])
        end = found.end()
    yield nodes.Text(text[end:])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of these."""
    app.add_directive("exercise", Task)
    app.add_directive("mistakes", Mistakes)
    app.add_directive("report", Said)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
