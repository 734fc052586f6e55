"""The book's links lead somewhere, in the repository as well as on the site."""

import re
from pathlib import Path

import pytest
from book_pages import DOCS, FENCE, PAGES, name_of

LINK = re.compile(r"\]\(((?!https?://)[^)\s]*)\)")


def anchors(page: Path) -> set[str]:
    """The places on a page that a link can lead to: its headings, as GitHub and myst spell them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_places_that_are_there(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        path, _, place = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{name_of(page)} links to {link}"
        on_site = target.suffix != ".md" or target.is_relative_to(DOCS)
        assert on_site, f"{name_of(page)} links to {link}, which is no page of the site"
        if place and target.suffix == ".md":
            assert place in anchors(target), f"{name_of(page)} links to {link}: {sorted(anchors(target))}"
