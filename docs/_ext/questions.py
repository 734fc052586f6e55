"""{questions}: the interview's deck, topic by topic, each answer folded away until it is asked for."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from exercises import inline
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nextword.learn.interview.deck import TOPICS, Question, load_deck


class Questions(SphinxDirective):
    """All questions of the deck."""

    def run(self) -> list[nodes.Node]:
        """A section a topic."""
        return [section_of(topic) for topic in TOPICS]


def section_of(topic: str) -> nodes.section:
    """One topic's questions."""
    section = nodes.section(ids=[nodes.make_id(f"questions-{topic}")])
    section += nodes.title(text=topic.capitalize())
    for question in load_deck():
        if question.topic == topic:
            section += list(folded(question))
    return section


def folded(question: Question) -> Iterator[nodes.Node]:
    """A question, with its answer behind it."""
    asked = "".join(in_html(node) for node in inline(" ".join(question.ask.split())))
    yield nodes.raw("", f'<details class="question" id="q-{question.id}"><summary>{asked}</summary>', format="html")
    for part in re.split(r"\n\s*\n", question.answer.strip("\n")):
        if any("  " in line.strip() or line.startswith(" ") for line in part.splitlines()):
            yield nodes.literal_block(part, part, language="text")
        else:
            yield nodes.paragraph("", "", *inline(" ".join(part.split())))
    for citation in question.cites:
        where = nodes.literal(text=f"src/nextword/{citation.where()}")
        yield nodes.paragraph("", "", where, classes=["cited"])
        yield nodes.literal_block(citation.text, citation.text, language="text")
    yield nodes.raw("", "</details>", format="html")


def in_html(node: nodes.Node) -> str:
    """A text or a piece of code, written out."""
    text = node.astext().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<code class="literal">{text}</code>' if isinstance(node, nodes.literal) else text


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it."""
    app.add_directive("questions", Questions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
