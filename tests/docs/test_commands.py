"""The commands that the book tells readers to type are there."""

import re

from book_pages import PAGES

from nextword.cli.learn import COMMANDS
from nextword.cli.main import VERBS
from nextword.learn.checker.track import TRACK

TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_verbs_and_commands_exist() -> None:
    verbs = set(re.findall(r"(?:`|bin/)nextword ([a-z]+)", TEXT))
    assert verbs <= set(VERBS)
    commands = set(re.findall(r"nextword learn ([a-z]+)", TEXT))
    assert commands
    assert commands <= set(COMMANDS)


def test_numbers_of_exercises_are_right() -> None:
    assert 41 <= len(TRACK) < 50, "the README and the index say: more than forty"
    for file in re.findall(r"ex(\d\d)_(\w+)\.py", TEXT):
        names = [name for chapter in TRACK.chapters.values() for name in chapter]
        assert names[int(file[0]) - 1] == file[1]
