"""Lines of text with a little colour: what reports are made of, on the way to a terminal or to a file."""

import sys
from collections.abc import Iterable
from typing import Literal

Style = Literal["", "bold", "dim", "good", "bad", "code"]

Span = tuple[str, Style]
"""A piece of text and how it looks."""

Line = tuple[Span, ...]

COLOURS: dict[Style, str] = {"": "", "bold": "bold", "dim": "dim", "good": "green", "bad": "red", "code": "cyan"}


def line(text: str = "", style: Style = "") -> Line:
    """A line of one look."""
    return ((text, style),) if text else ()


def text_of(lines: Iterable[Line]) -> str:
    """Lines without their colours."""
    return "\n".join("".join(text for text, _ in spans) for spans in lines)


def show(lines: Iterable[Line]) -> None:
    """Print lines on standard output, in colour where that is a terminal. Long ones are broken at spaces."""
    from rich.console import Console
    from rich.text import Text

    sys.stdout.flush()
    console = Console(highlight=False, soft_wrap=False)
    for spans in lines:
        console.print(
            Text.assemble(*((text, COLOURS[style]) for text, style in spans)), soft_wrap=not console.is_terminal
        )
