"""What the chapters are made of besides prose: our code, the exercises, their mistakes, pictures, the audit.

    {source} module:name     the code of that name, as it stands in the package now
    {exercise} name          what an exercise asks for, and where
    {mistakes} name          the classic mistakes of an exercise
    {picture} module:name    a picture that docs/pictures draws, for light and for dark pages
    {audit}                  what the checker says of every planted mistake

Nothing of this is written twice: it comes from the package when the book is built.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit_table import tables
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.directives.code import LiteralInclude
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from nextword.learn.exercise import Exercise
from nextword.learn.track import TRACK

LOGGER = logging.getLogger(__name__)
PROJECT = Path(__file__).parent.parent.parent
CODE = re.compile(r"`([^`]+)`|((?:\b[A-Za-z_][\w.]*)\((?!s\))(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))")
"""What is code in a text for the terminal: `quoted`, or a call such as x.mean(-1, keepdim=True)."""


class Source(LiteralInclude):
    """{source} nextword.model.plain:gelu: that function or class, with the file's name above it.

    Several names of one module are put below each other: nextword.model.attention:split_heads,merge_heads.
    """

    def run(self) -> list[nodes.Node]:
        """Include each of the names."""
        module, _, names = self.arguments[0].partition(":")
        path = PROJECT / "src" / Path(*module.split("."))
        file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
        self.arguments[0] = "/" + Path("..", file.relative_to(PROJECT)).as_posix()
        self.options["language"] = "python"
        caption = file.relative_to(PROJECT).as_posix()
        made: list[nodes.Node] = []
        for name in names.split(","):
            self.options.pop("caption", None)
            if not made:
                self.options["caption"] = caption
            self.options["pyobject"] = name.strip()
            made += super().run()
        return made


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
        learn = PROJECT / "src/nextword/learn"
        for file in (learn / "exercises" / f"{name}.py", learn / "track.py"):
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
    yield nodes.literal(text=f"my_gpt2/ex{number:02}_{exercise.name}.py")


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


class picture(nodes.General, nodes.Element):
    """A picture in two colourings, of which the page shows the one that fits it."""


class Picture(SphinxDirective):
    """{picture} attention:mask, with `:alt:` for those who cannot see it; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012  (docutils' way)

    def run(self) -> list[nodes.Node]:
        """A figure."""
        if not self.options.get("alt"):
            raise self.error("A picture needs :alt:, a sentence that says what is to be seen.")
        module, _, name = self.arguments[0].partition(":")
        self.env.note_dependency(str(PROJECT / "docs/pictures" / f"{module}.py"))
        figure = nodes.figure("", picture(name=f"{module}-{name}", alt=self.options["alt"]))
        if self.content:
            caption = nodes.caption("", "", *self.parse_inline("\n".join(self.content))[0])
            figure += caption
        return [figure]


def visit_picture(translator: Any, node: picture) -> None:
    """Write both images; furo's classes show one of them."""
    page = translator.builder.get_target_uri(translator.builder.current_docname)
    up = "../" * page.count("/")
    for kind in ("light", "dark"):
        source = f"{up}_pictures/{node['name']}-{kind}.svg"
        translator.body.append(
            f'<img class="picture only-{kind}" alt="{translator.attval(node["alt"])}" src="{source}" />\n'
        )
    raise nodes.SkipNode


def draw_pictures(app: Sphinx) -> None:
    """Draw what is new or has changed, before the pages that show it are made."""
    from pictures.drawing import draw_all

    if app.builder.format == "html":
        draw_all(Path(app.outdir) / "_pictures")


def number_chapters(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give a chapter the number of its exercise."""
    name = docname.removeprefix("book/")
    if docname.startswith("book/") and name in TRACK.names:
        source[0] = re.sub(r"^# ", f"# {TRACK.number(name)}. ", source[0], count=1, flags=re.MULTILINE)


class Audit(SphinxDirective):
    """{audit}: for each exercise a table of its mistakes by the styles they were planted in."""

    def run(self) -> list[nodes.Node]:
        """How many there are, then the tables."""
        trials = [trial for name in TRACK.names for trial in tables()[name]]
        for trial in trials:
            if not trial["right"]:
                LOGGER.warning("audit: %s", trial, location=self.env.docname)
        planted = [trial for trial in trials if trial["mistake"]]
        n_mistakes = len({(trial["exercise"], trial["mistake"]) for trial in planted})
        n_named = sum(trial["right"] for trial in planted)
        right = [trial for trial in trials if trial["expected"] == "passed"]
        n_passed = sum(trial["right"] for trial in right)
        summary = (
            f"When this page was made, {n_mistakes:,} mistakes had been planted in {len(planted):,} answers. "
            f"{n_named:,} of these were diagnosed as what they are. {n_passed} of {len(right)} right answers passed."
        )
        tabled = [node for exercise in TRACK for node in audit_of(exercise, tables()[exercise.name])]
        return [nodes.paragraph("", "", nodes.strong(text=summary)), *tabled]


def audit_of(exercise: Exercise, trials: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """One exercise's heading and table."""
    answers = list(dict.fromkeys(trial["answer"] for trial in trials if trial["answer"] not in ("stub", "solution")))
    found = {(trial["mistake"], trial["answer"]): trial for trial in trials}
    section = nodes.section(ids=[nodes.make_id(f"audit-{exercise.name}")])
    section += nodes.title(text=f"{TRACK.number(exercise.name)}. {exercise.title}")
    rows = [row(nodes.emphasis(text="none"), *(cell(found.get((None, answer))) for answer in answers))]
    for mistake in exercise.mistakes:
        page = f"{exercise.name}.html#{mistake_id(exercise.name, mistake.name)}"
        name = nodes.reference("", mistake.name, refuri=page, internal=True)
        rows.append(row(name, *(cell(found.get((mistake.name, answer))) for answer in answers)))
    head = row(nodes.Text("planted mistake"), *(nodes.Text(answer.replace("_", " ")) for answer in answers))
    group = nodes.tgroup(cols=len(answers) + 1)
    group += [nodes.colspec(colwidth=1) for _ in range(len(answers) + 1)]
    group += [nodes.thead("", head), nodes.tbody("", *rows)]
    section += nodes.table("", group, classes=["audit"])
    yield section


def cell(trial: dict[str, Any] | None) -> nodes.Text:
    """What a cell says: ✓ where the checker found what was planted."""
    return nodes.Text("" if trial is None else "✓" if trial["right"] else trial["found"])


def row(*cells: nodes.Node) -> nodes.row:
    """A table's row."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", inside)) for inside in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    for name, directive in {"source": Source, "exercise": Task, "mistakes": Mistakes, "audit": Audit}.items():
        app.add_directive(name, directive)
    app.add_node(picture, html=(visit_picture, None))
    app.add_directive("picture", Picture)
    app.connect("builder-inited", draw_pictures)
    app.connect("source-read", number_chapters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
