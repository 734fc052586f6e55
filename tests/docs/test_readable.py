"""What a code host shows of the book is what the site shows; `python -m docs.readable` brings it up to date."""

import re
from pathlib import Path

import pytest
from book_pages import PAGES, code_blocks, folded, name_of

from docs.pictures.drawing import pictures
from docs.readable import IMAGES, escaped, fold, is_drawn, marked, unfold

HOW = "The code or an exercise has changed since: python -m docs.readable"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_shows_what_its_directives_stand_for_now(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "```{" not in text, "a code host shows a directive as it is: python -m docs.readable"
    assert unfold(page) == text, HOW


@pytest.mark.parametrize("name", sorted(pictures()))
def test_a_picture_was_drawn_by_the_code_that_is_there(name: str) -> None:
    assert is_drawn(name, pictures()[name]), HOW


def test_no_other_pictures_are_kept() -> None:
    assert {file.stem for file in IMAGES.iterdir()} == set(pictures())


def test_the_book_stays_small() -> None:
    assert sum(file.stat().st_size for file in IMAGES.iterdir()) < 1_000_000


def test_folding_gives_directives_back() -> None:
    code = "<!-- {source} m:f -->\n\n```python\nx\n```\n\n<!-- end -->"
    page = f"a\n\n{code}\n\n<!-- {{toctree}}\n:hidden:\nb\n-->\n<!-- end -->\n"
    assert fold(page) == "a\n\n```{source} m:f\n```\n\n```{toctree}\n:hidden:\nb\n```\n"


def test_blocks_keep_their_lines() -> None:
    page = next(page for page in PAGES if name_of(page) == "book/scores.md")
    block = next(block for block in code_blocks(page) if block.language == "pycon")
    assert page.read_text(encoding="utf-8").splitlines()[block.line - 1] == block.text.splitlines()[0]
    assert "{source}" in folded(page)


def test_signs_of_markdown_are_escaped_outside_of_code() -> None:
    assert marked("12 * C and f(x, *y) < `a*b` [1]") == r"12 \* C and `f(x, *y)` \< `a*b` \[1]"
    assert escaped("n_embd and $5") == r"n_embd and \$5"
    assert not re.search(r"(?<!\\)\*", escaped("a ** b * c"))
