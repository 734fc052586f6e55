"""A chapter of the book is shown in the terminal without what is meant for the site."""

from pathlib import Path

import pytest

from nextword.learn.checker.track import TRACK
from nextword.learn.course.chapters import ChapterError, chapter


@pytest.mark.parametrize("name", TRACK.names)
def test_a_chapter_shows_code_an_exercise_and_mistakes_and_no_directives(name: str) -> None:
    text = chapter(name)
    assert text.startswith("# ")
    assert "<!--" not in text
    assert "```{" not in text
    assert f"**Exercise {TRACK.number(name)}: {TRACK[name].title}**" in text
    assert "*Picture: " in text
    assert all(symbol in text for symbol in TRACK[name].symbols)


def test_it_says_where_the_book_is_if_it_is_not_here(tmp_path: Path) -> None:
    with pytest.raises(ChapterError, match=r"There is no chapter gelu\.md in .*docs/book"):
        chapter("gelu", tmp_path)
