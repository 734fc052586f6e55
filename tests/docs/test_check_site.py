"""The check of the built site finds what it is for."""

from pathlib import Path

import pytest

from docs.check_site import faults

GOOD = (
    '<p id="here"><a href="other.html#there">x</a> <a href="https://example.org">y</a> <img src="data:image/png;a"></p>'
)


def site(folder: Path, extra: str = "") -> list[str]:
    """What is wrong with a site of two pages, of which one has this in it."""
    (folder / "index.html").write_text(GOOD + extra, encoding="utf-8")
    (folder / "other.html").write_text('<h1 id="there">x</h1><a href="index.html#here">y</a>', encoding="utf-8")
    return faults(folder)


def test_a_good_site_has_no_faults(tmp_path: Path) -> None:
    assert site(tmp_path) == []


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ('<script src="https://example.org/x.js"></script>', "from another host"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "from another host"),
        ("<p style=\"background: url('http://example.org/x.png')\">", "from another host"),
        ('<img src="gone.svg">', "which is not there"),
        ('<a href="gone.html">x</a>', "which is not there"),
        ('<a href="other.html#gone">x</a>', "not that place"),
        ('<a href="#gone">x</a>', "not that place"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, extra: str, fault: str) -> None:
    found = site(tmp_path, extra)
    assert len(found) == 1
    assert fault in found[0]


def test_style_sheets_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text('@import "https://example.org/x.css";', encoding="utf-8")
    assert site(tmp_path) == ["x.css loads https://example.org/x.css from another host"]


def test_an_empty_site_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == [f"{tmp_path} holds no page"]
