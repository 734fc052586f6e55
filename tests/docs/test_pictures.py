"""Each picture of the book can be drawn, is drawn by code that is used, and says what is to be seen."""

import re
import warnings
from pathlib import Path

import pytest
from book_pages import PAGES, directives, folded, name_of

from docs.pictures.__main__ import main
from docs.pictures.drawing import INKS, draw, pictures

SHOWN = {place.replace(":", "-") for page in PAGES for place in directives(page, "picture")}


def test_every_picture_that_a_page_shows_is_there_and_every_one_that_is_there_is_shown() -> None:
    assert set(pictures()) == SHOWN


@pytest.mark.parametrize("name", sorted(pictures()))
def test_it_can_be_drawn(name: str, tmp_path: Path) -> None:
    function = pictures()[name]
    assert function.__doc__
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        draw(function, INKS["dark"], tmp_path / f"{name}.svg")
    assert (tmp_path / f"{name}.svg").stat().st_size > 1000


@pytest.mark.parametrize("page", [page for page in PAGES if directives(page, "picture")], ids=name_of)
def test_it_is_described_for_those_who_cannot_see_it(page: Path) -> None:
    blocks = re.findall(r"^```\{picture\}.*?^```", folded(page), re.MULTILINE | re.DOTALL)
    for block in blocks:
        described = re.search(r"^:alt: (.+)$", block, re.MULTILINE)
        assert described, block
        assert len(described[1]) > 30, block


@pytest.mark.parametrize("asked", ["data:encoder", "mask of nothing"])
def test_a_picture_that_is_not_there_is_told(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([asked]) == 2
    said = capsys.readouterr().err
    assert f"There is no picture {asked.replace(':', '-')!r}" in said
    assert all(name in said for name in pictures())


def test_a_picture_is_named_as_in_a_chapter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docs.pictures.__main__.draw_all", lambda folder, part, suffix: [folder / f"{part}.{suffix}"])
    assert main(["attention:mask"]) == 0
    assert capsys.readouterr().out.strip().endswith("attention-mask.png")
