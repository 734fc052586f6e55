"""The book's chapters as text for a terminal; they lie in docs/book, beside the package's source."""

import re
from pathlib import Path

from nextword.errors import NextwordError

BOOK = Path(__file__).parents[4] / "docs" / "book"

COMMENT = re.compile(r"^<!--.*?-->\n+", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[(?P<seen>[^\]]*)\]\((?P<path>[^)]+)\)")
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>\.\./[^)]+|\w+\.md[^)]*)\)")


class ChapterError(NextwordError):
    """A chapter that is not on this machine."""

    exit_code = 2


def chapter(name: str, book: Path = BOOK) -> str:
    """Read an exercise's chapter as Markdown for a terminal, with pictures and links as text.

    Raises ChapterError where the package was installed without the book.
    """
    try:
        text = (book / f"{name}.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChapterError(
            f"There is no chapter {name}.md in {book}: the book is in the repository, in docs/book, and this nextword "
            "was installed without it. Clone the repository, and run nextword there (make demo installs it)."
        ) from None
    text = COMMENT.sub("", text)
    text = IMAGE.sub(lambda found: f"*Picture: {found['seen']}* `{(book / found['path']).resolve()}`", text)
    return LINK.sub(lambda found: found["text"], text)
