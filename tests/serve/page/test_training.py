"""The tour and the panel of training: what they speak of is in sight, and what they show is of the step they name."""

from collections.abc import Callable
from typing import Any

import pytest
from serve.page.playing import until

# The edges of the page's head, of the tour's sheet, and of everything that the stop is about.
ROOM = """(async () => {
  const { STOPS } = await import("./stops.js");
  const stop = STOPS[Number(document.getElementById("tour-place").textContent.split(" ")[1]) - 1];
  const edges = (element) => { const { top, bottom } = element.getBoundingClientRect(); return [top, bottom]; };
  return {
    head: edges(document.querySelector(".top"))[1],
    sheet: edges(document.getElementById("tour"))[0],
    shown: stop.shows.map((selector) => edges(document.querySelector(`#${stop.at} ${selector}`))),
  };
})()"""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1366, 768), (768, 1024), (390, 844)])
def test_what_a_stop_is_about_is_in_sight(open_page: Callable[..., Any], width: int, height: int) -> None:
    page = open_page(width, height)
    page.click("#tour-button")
    for _ in range(10):
        page.wait_for_timeout(500)
        until(page, "document.querySelectorAll('.toured[aria-busy]').length === 0")
        room = page.evaluate(ROOM)
        upper, lower = min(top for top, _ in room["shown"]), max(bottom for _, bottom in room["shown"])
        place = page.locator("#tour-place").text_content()
        assert upper >= room["head"] - 1, place
        # What is taller than the room shows its beginning.
        fits = lower - upper <= room["sheet"] - room["head"] - 24
        assert (lower if fits else upper + 40) <= room["sheet"] + 1, place
        page.click("#tour-on")
    assert page.locator("#tour").is_hidden()


def test_a_tour_that_was_closed_goes_on_where_it_was(page: Any) -> None:
    page.click("#tour-button")
    for _ in range(3):
        page.click("#tour-on")
    page.keyboard.press("Escape")
    assert page.locator("#tour").is_hidden()
    assert page.evaluate("document.activeElement.id") == "tour-button"
    page.click("#tour-button")
    assert page.locator("#tour-place").text_content() == "Stop 4 of 10"


def test_the_page_can_be_scrolled_clear_of_the_sheet(open_page: Callable[..., Any]) -> None:
    page = open_page(390, 844)
    page.click("#tour-button")
    page.wait_for_timeout(200)
    page.keyboard.press("End")
    page.wait_for_timeout(400)
    lower = page.evaluate("document.getElementById('facts').getBoundingClientRect().bottom")
    assert lower < page.evaluate("document.getElementById('tour').getBoundingClientRect().top")
    page.click("#tour-end")
    assert page.evaluate("document.documentElement.style.getPropertyValue('--sheet')") == "0px"


def test_no_line_of_the_code_is_cut(page: Any) -> None:
    page.click("#tour-button")
    for _ in range(10):
        until(page, "document.querySelectorAll('#tour-code .code-line').length > 1")
        code = "document.getElementById('tour-code')"
        assert page.evaluate(f"{code}.scrollWidth <= {code}.clientWidth")
        assert '"""' not in page.locator("#tour-code").text_content()
        page.click("#tour-on")
