"""The tour, the text beside the panels, and training: what is spoken of is in sight, and of the step that is named."""

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
    page = open_page(width, height, below="/heads/")
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


def test_a_tour_that_was_closed_goes_on_where_it_was(open_page: Callable[..., Any]) -> None:
    page = open_page(below="/heads/")
    page.click("#tour-button")
    for _ in range(3):
        page.click("#tour-on")
    page.keyboard.press("Escape")
    assert page.locator("#tour").is_hidden()
    assert page.evaluate("document.activeElement.id") == "tour-button"
    page.click("#tour-button")
    assert page.locator("#tour-place").text_content() == "Stop 4 of 10"


def test_the_page_can_be_scrolled_clear_of_the_sheet(open_page: Callable[..., Any]) -> None:
    page = open_page(390, 844, below="/heads/")
    page.click("#tour-button")
    page.wait_for_timeout(200)
    # Panels on the way may still grow, so that the end is further down than it was.
    until(
        page,
        """(window.scrollTo(0, document.documentElement.scrollHeight),
            document.getElementById("facts").getBoundingClientRect().bottom
                < document.getElementById("tour").getBoundingClientRect().top)""",
    )
    page.click("#tour-end")
    assert page.evaluate("document.documentElement.style.getPropertyValue('--sheet')") == "0px"


def test_no_line_of_the_code_is_cut(open_page: Callable[..., Any]) -> None:
    page = open_page(below="/heads/")
    page.click("#tour-button")
    for _ in range(10):
        until(page, "document.querySelectorAll('#tour-code .code-line').length > 1")
        code = "document.getElementById('tour-code')"
        assert page.evaluate(f"{code}.scrollWidth <= {code}.clientWidth")
        assert '"""' not in page.locator("#tour-code").text_content()
        page.click("#tour-on")


def test_all_of_the_text_s_panel_is_in_sight(page: Any) -> None:
    page.fill("#prompt", "The piano came down to the ferry. " * 9)
    until(page, "document.querySelectorAll('#tokens .token').length === 64")
    page.locator("#tokens .token").last.hover()
    until(page, "document.querySelectorAll('#token-card .other').length === 5")
    assert page.evaluate("document.getElementById('text').getBoundingClientRect().bottom") <= 900
    assert page.locator("#perplexity + span").is_visible()
    page.mouse.move(200, 150)
    page.mouse.wheel(0, 300)  # the page scrolls, and the text stays beside what comes
    until(page, "scrollY === 300")
    assert page.evaluate("document.querySelector('.desk').scrollTop") == 0
    assert page.evaluate("document.getElementById('text').getBoundingClientRect().top") < 100


@pytest.mark.parametrize("width", [390, 1440])
def test_a_link_leads_to_the_beginning_of_its_panel(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(width)
    page.click("nav a[href='#branches']")
    place = "document.getElementById('branches').getBoundingClientRect().top"
    below = f"{place} - document.querySelector('.top').getBoundingClientRect().bottom"
    until(page, f"{below} > 0 && {below} < 30")


def to_training(page: Any) -> None:
    page.locator("#training").scroll_into_view_if_needed()
    page.wait_for_selector("#loss path.train")


def move(page: Any, step: int) -> None:
    page.locator("#run-step").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", step
    )


def test_what_is_shown_was_there_at_the_step(page: Any) -> None:
    to_training(page)
    move(page, 3)  # the first text was written after step 4, and the first look is of step 6
    assert page.locator("#sample").text_content() == "What it wrote is kept from step 4 on."
    assert page.locator("#run-head-name").text_content() == "Nobody looked before step 6."
    move(page, 7)
    assert page.locator("#sample").text_content() == "Written after step 4:The piano was a was."
    assert (
        page.locator("#run-live")
        .text_content()
        .endswith("training loss 7.50, validation loss 10.00 (measured at step 4)")
    )
    move(page, 8)
    assert page.locator("#run-live").text_content().endswith("training loss 7.00, validation loss 9.00")
    move(page, 0)
    assert page.locator("#run-live").text_content().endswith("validation loss 11.00")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_slider_stands_below_the_line(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(width)
    to_training(page)
    for step in (0, 5, 12):
        move(page, step)
        thumb, line, label = page.evaluate(
            """(() => {
              const slider = document.getElementById("run-step");
              const { left, width } = slider.getBoundingClientRect();
              const line = document.querySelector("#loss .now").getBoundingClientRect();
              const tick = document.querySelector("#run-ticks i").getBoundingClientRect();
              const at = (share) => left + 9 + share * (width - 18);
              return [at(slider.value / slider.max), line.left + line.width / 2, tick.left + 1 - at(6 / slider.max)];
            })()"""
        )
        assert thumb == pytest.approx(line, abs=0.6)
        assert label == pytest.approx(0, abs=0.6)


def test_the_steps_can_be_played(open_page: Callable[..., Any]) -> None:
    page = open_page(reduced_motion="no-preference")
    to_training(page)
    page.click("#run-play")
    assert page.locator("#run-play").text_content() == "Pause"
    until(page, "document.getElementById('run-step').value === '2'")
    page.click("#run-play")
    page.wait_for_timeout(400)
    stood = int(page.locator("#run-step").input_value())
    assert 2 <= stood <= 4
    page.click("#run-play")
    until(page, "document.getElementById('run-play').textContent === 'Play'")
    assert page.locator("#run-step").input_value() == page.locator("#run-step").get_attribute("max")


def test_the_map_is_told_in_words(page: Any) -> None:
    to_training(page)
    until(page, "document.getElementById('run-map').getAttribute('aria-label').includes('looks most at')")
    page.locator("#run-map").scroll_into_view_if_needed()
    box = page.locator("#run-map").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] - 12)
    says = "document.getElementById('run-looks').textContent"
    until(page, f"/^“ferry” looks at itself with .* % of its attention.$/.test({says})")
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2)
    until(page, f"/cannot see “ferry”: it comes later.$/.test({says})")
    page.mouse.move(box["x"], box["y"] - 20)
    until(page, f"{says}.startsWith('Point at the map')")


@pytest.mark.parametrize("rises", [True, False])
def test_learning_by_heart_is_named_where_it_happens(page: Any, rises: bool) -> None:
    told = {"dir": "runs/story", "samples": [], "attention": {"steps": [], "ids": []}}
    told["data"] = {"name": "story", "train_tokens": 6063, "init": None}
    told["steps"] = [
        {"step": n, "train_loss": 10 - n if n else None, "val_loss": 10 - n if n < 5 or not rises else 6 + n / 10}
        for n in range(10)
    ]
    page.route("**/api/run", lambda route: route.fulfill(json=told))
    to_training(page)
    assert "ln 50,257 = 10.82" in page.locator("#loss-words").text_content()
    said = page.locator("#loss-lines").text_content()
    assert ("rises again after step 4" in said) == rises
    assert ("its 6,063 tokens by heart" in said) == rises


@pytest.mark.parametrize("normal", [True, False])
def test_the_losses_stand_before_what_is_usual(page: Any, normal: bool) -> None:
    told = {"dir": "runs/story", "samples": [], "attention": {"steps": [], "ids": []}, "data": None}
    told["steps"] = [{"step": n, "train_loss": 10 - n if n else None, "val_loss": 10 - n} for n in range(10)]
    band = [[0, 10.5, 11.8], [1, 9.0, 11.5], [9, 5.0, 8.0]] if normal else []
    said = "A loss of 1.00 is normal." if normal else "A loss of 1.00 is too good to be true."
    told["expected"] = {"band": band, "verdict": said, "kind": "normal" if normal else "leak", "normal": normal}
    page.route("**/api/run", lambda route: route.fulfill(json=told))
    to_training(page)
    assert page.locator("#loss-verdict").text_content() == said
    assert page.locator("#loss-verdict").is_visible()
    assert ("warned" in page.locator("#loss-verdict").get_attribute("class").split()) != normal
    assert page.locator("#loss path.band").count() == normal
    assert page.locator("#key-band").is_visible() == normal
