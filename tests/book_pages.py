"""The pages of the book, as they are written."""

import re
from dataclasses import dataclass
from pathlib import Path

from docs.readable import blanked, fold

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block: its language, its text, and the line of the page that it begins in."""

    language: str
    text: str
    line: int


def code_blocks(page: Path) -> list[CodeBlock]:
    """The fenced blocks of a page, in order."""
    text = blanked(page.read_text(encoding="utf-8"))
    return [CodeBlock(found[1], found[2], text.count("\n", 0, found.start(2)) + 1) for found in FENCE.finditer(text)]


def directives(page: Path, name: str) -> list[str]:
    """What stands behind `{name}` in each directive of that name on a page."""
    return re.findall(rf"^```\{{{name}\}} *(\S*)", folded(page), re.MULTILINE)


def folded(page: Path) -> str:
    """A page with directives where it shows what they stand for."""
    return fold(page.read_text(encoding="utf-8"))


def name_of(page: Path) -> str:
    """A page's path in docs, for messages."""
    return page.relative_to(DOCS).as_posix()
