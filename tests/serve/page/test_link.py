"""A link shows another the page as it is; and what one typed comes back, whatever was put in its place."""

from collections.abc import Callable
from typing import Any

import pytest
from serve.page.playing import settle, slide, take, texts, until, until_quiet, until_text

BEGINNING = "The piano came down to the"
# All that a link holds, as the page shows it.
SHOWN = """(() => {
  const value = (id) => document.getElementById(id).value;
  const said = (id) => document.getElementById(id).textContent;
  return {
    text: value("prompt"), tokens: said("tokens"),
    settings: ["temperature", "top-k", "top-p", "seed", "run-step", "run-layer", "run-head"].map(value),
    head: said("head-name"),
    off: [...document.querySelectorAll(".part[aria-pressed=true]")].map((part) => part.title.split(" adds")[0]),
    without: said("next-without-words"),
    bars: [...document.querySelectorAll(".candidate .word")].map((one) => one.textContent),
    chances: [...document.querySelectorAll(".candidate .chance")].map((one) => one.textContent),
  };
})()"""


def test_a_link_holds_all_that_was_set_and_a_fresh_page_shows_it(open_page: Callable[..., Any], page: Any) -> None:
    page.fill("#prompt", "Wilf’s 🧩 & 100 %")
    until(page, "document.getElementById('tokens').textContent.startsWith('Wilf')")
    for id, value in (("temperature", 1.35), ("top-k", 4), ("top-p", 0.61)):
        slide(page, id, value)
    page.fill("#seed", "7")
    settle(page, "attention")
    page.locator(".map").nth(3).click()
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    page.locator(".part").nth(1).click()
    page.locator(".part").nth(5).click()  # the second layer's MLP
    page.check("#use-off")
    page.locator("#training").scroll_into_view_if_needed()
    page.wait_for_selector("#loss path.train")
    slide(page, "run-step", 7)
    page.select_option("#run-layer", "2")
    until(page, "location.hash.includes('learned=2.0') && !document.getElementById('draw').disabled")
    for said in ("temperature=1.35", "top-k=5", "top-p=0.61", "seed=7", "head=1.1", "off=0.1%2C1.mlp", "step=7"):
        assert said in page.url
    right = page.evaluate(SHOWN)
    assert right["off"] == ["layer 0, head 1", "layer 1, MLP"]

    other = open_page(at=page.url)
    other.wait_for_selector(".candidate:not([disabled])")
    other.wait_for_selector("#loss path.train")  # the link led to the panel where one was
    until(other, "document.getElementById('run-step-said').textContent.startsWith('7 of')")
    until(other, f"document.querySelector('.candidate .word').textContent === {right['bars'][0]!r}")
    assert other.evaluate(SHOWN) == right
    other.wait_for_timeout(600)
    assert other.url == page.url
    # A link that says less of the page, opened in the same window, takes the rest back.
    other.evaluate("location.hash = 't=Agnes'")
    until_text(other, "Agnes")
    assert other.evaluate(SHOWN)["settings"][:4] == ["0.8", "8", "1", ""]
    assert other.evaluate(SHOWN)["off"] == []


def test_a_link_holds_the_tokens_that_were_taken(open_page: Callable[..., Any], page: Any) -> None:
    page.fill("#prompt", "The pian")
    until_text(page, "The pian")
    until_quiet(page)
    take(page)
    page.locator("#prompt").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("o")
    until(page, "location.hash.includes('ids=')")
    tokens = texts(page, "#tokens .token")
    other = open_page(at=page.url)
    other.wait_for_selector(".candidate:not([disabled])")
    until(other, f"document.querySelectorAll('#tokens .token').length === {len(tokens)}")
    assert texts(other, "#tokens .token") == tokens


@pytest.mark.parametrize("panel", ["training", "model", "lens"])
def test_a_link_to_a_panel_leads_there_on_a_fresh_page(open_page: Callable[..., Any], url: str, panel: str) -> None:
    page = open_page(390, at=f"{url}/#{panel}")
    page.wait_for_selector(".candidate:not([disabled])")
    page.wait_for_timeout(1500)  # the panels above it have grown
    box = page.locator(f"#{panel}").bounding_box()
    assert box["y"] < 844 - 100
    if panel != "model":  # the page's end cannot be scrolled further up
        assert abs(box["y"] - page.locator(".top").bounding_box()["height"]) < 40
    assert page.url == f"{url}/#{panel}"


def test_nonsense_in_a_link_is_passed_over(open_page: Callable[..., Any], url: str) -> None:
    nonsense = "temperature=hot&top-k=&head=9.9&off=7.7,0.mlp&step=x&ids=1.x&panel=top&tour=99&%E2=%E2"
    page = open_page(at=f"{url}/#t=Agnes&{nonsense}")
    page.wait_for_selector(".candidate:not([disabled])")
    shown = page.evaluate(SHOWN)
    assert (shown["text"], shown["settings"][0], shown["head"]) == ("Agnes", "0.8", "Layer 0, head 0")
    assert shown["off"] == ["layer 0, MLP"]


def test_what_was_typed_comes_back_after_an_example(page: Any) -> None:
    own = "My own words, of which there are some"
    assert page.locator("#own-text").is_hidden()
    page.locator("#prompt").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(own)
    until_text(page, own)
    take(page)
    grown = page.locator("#prompt").input_value()
    for _ in range(2):  # by the button, and as everybody undoes
        page.locator("#examples button").nth(1).click()
        page.locator("#examples button").nth(2).click()  # what is lost is not the first example
        until(page, "document.getElementById('tokens').textContent.includes('2 + 2')")
        if _:
            page.keyboard.press("Control+z")
        else:
            page.click("#own-text")
        until_text(page, grown)
        assert page.locator("#prompt").input_value() == grown
        assert page.locator("#own-text").is_hidden()
    assert page.locator("#tokens .token").last.evaluate("e => e.classList.contains('taken')")


@pytest.mark.parametrize("width", [320, 768, 1100, 1440])
def test_which_model_it_is_stands_in_the_head(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(width)
    box = page.locator("#model-name").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.mouse.wheel(0, 900)
    page.wait_for_timeout(200)
    assert page.locator("#model-when").is_visible()
    box = page.locator("#model-name").bounding_box()
    assert 0 <= box["y"] < page.locator(".top").bounding_box()["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
