"""Lines of text with a little colour, for a terminal or a file."""

import sys
from collections.abc import Iterable
from typing import Literal

Emphasis = Literal["", "bold", "dim", "good", "bad", "code"]

Span = tuple[str, Emphasis]
"""A piece of text and how it looks."""

Line = tuple[Span, ...]

COLOURS: dict[Emphasis, str] = {"": "", "bold": "bold", "dim": "dim", "good": "green", "bad": "red", "code": "cyan"}


def line(text: str = "", style: Emphasis = "") -> Line:
    """A line of one look."""
    return ((text, style),) if text else ()


def text_of(lines: Iterable[Line]) -> str:
    """Lines without their colours."""
    return "\n".join("".join(text for text, _ in spans) for spans in lines)


def paragraphs(text: str) -> list[Line]:
    """A text with a line for each paragraph, to fit terminals of any width. What is indented stays as it is."""
    lines: list[str] = []
    goes_on = False  # whether the last line is prose
    for text_line in text.strip().splitlines():
        prose = bool(text_line.strip()) and not text_line.startswith((" ", "- ", "* "))
        if prose and goes_on:
            lines[-1] += f" {text_line}"
        else:
            lines.append(text_line)
        goes_on = prose
    return [line(one) for one in lines]


def show(lines: Iterable[Line]) -> None:
    """Print lines on standard output, in colour on a terminal. Long ones are broken at spaces."""
    from rich.console import Console
    from rich.text import Text

    sys.stdout.flush()
    console = Console(highlight=False, soft_wrap=False)
    for spans in lines:
        text = Text.assemble(*((text, COLOURS[style]) for text, style in spans))
        text.rstrip()
        console.print(text, soft_wrap=not console.is_terminal)
