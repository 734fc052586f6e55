"""Formulas as MathML: written when the book is built, drawn by the reader's browser, offline and without a script."""

import re
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

NAMED = re.compile(r"<mo>((?!max<|min<)[A-Za-z]{2,})</mo>")
"""A function's name, which is no operator: browsers would put spaces around it."""

BARS = "<mo>&#x02016;</mo>"
"""A norm's bars, which browsers would make as high as their surroundings."""


def in_mathml(latex: str, display: str) -> str:
    """A formula in MathML; display: "inline" or "block". Raises ValueError for LaTeX that the converter doesn't know.

    It doesn't say so itself: an unknown command goes through as text, an `&` outside of a table as it is.
    """
    mathml = NAMED.sub(r"<mi>\1</mi>", convert(latex, display=display))
    mathml = mathml.replace(BARS, BARS.replace("<mo>", '<mo stretchy="false">'))
    try:
        text = "".join(ElementTree.fromstring(mathml).itertext())
    except ElementTree.ParseError as error:
        raise ValueError(f"the formula {latex!r} has something in it that cannot be converted: {error}") from None
    if "\\" in text:
        raise ValueError(f"the formula {latex!r} has a command in it that cannot be converted: {text!r}")
    return mathml


def visit(translator: Any, node: nodes.Element) -> None:
    """Write a formula that stands in a line (math) or on its own (math_block)."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    try:
        mathml = in_mathml(node.astext(), display)
    except ValueError as error:
        LOGGER.warning(str(error), location=node)
        mathml = translator.encode(node.astext())
    translator.body.append(f'<div class="formula">{mathml}</div>' if display == "block" else mathml)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Make this a renderer that `html_math_renderer` can name."""
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
