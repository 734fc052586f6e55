"""The book goes along with the track of exercises: a chapter for each, in its order."""

import re
from pathlib import Path

import pytest
from book_pages import DOCS, PAGES, directives, folded, name_of

from nextword.learn.checker.track import TRACK

INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
NAMES = [name for chapter in TRACK.chapters.values() for name in chapter]
PARTS = ("source", "picture", "exercise", "mistakes")


def test_the_chapters_stand_in_the_order_of_the_exercises() -> None:
    listed = re.findall(r"^book/(\w+)$", INDEX, re.MULTILINE)
    assert [name for name in listed if name in NAMES] == NAMES


def test_every_page_is_in_the_book() -> None:
    listed = re.findall(r"^([\w/]+)$", INDEX, re.MULTILINE)
    for page in PAGES:
        path = name_of(page).removesuffix(".md")
        assert path in listed or path == "index", path


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_has_all_its_parts(name: str) -> None:
    page = DOCS / "book" / f"{name}.md"
    text = folded(page)
    for part in PARTS:
        assert directives(page, part), f"{name}.md has no {{{part}}}"
    assert directives(page, "exercise") == directives(page, "mistakes") == [name]
    assert re.search(r"\$.+\$", text, re.DOTALL), f"{name}.md has no formula"
    assert text.startswith("# ")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_that_a_chapter_shows_is_there(page: Path) -> None:
    for place in directives(page, "source"):
        module, _, names = place.partition(":")
        file = DOCS.parent / "src" / Path(*module.split(".")).with_suffix(".py")
        code = file.read_text(encoding="utf-8")
        for name in names.split(","):
            last = name.rpartition(".")[2]
            assert re.search(rf"^ *(def|class) {last}\b", code, re.MULTILINE), place
