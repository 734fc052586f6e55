"""The page for everybody: on a phone and a wide screen, in both themes, by keyboard, by ear, and without motion."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from serve.page.playing import until

SECTIONS = ("text", "branches", "next", "attention", "lens", "parts", "training", "model")


def see_all(page: Any) -> None:
    for section in SECTIONS:
        page.locator(f"#{section}").scroll_into_view_if_needed()
        page.wait_for_timeout(150)
    page.wait_for_selector("#lens-table td")
    page.wait_for_selector(".outcome")
    page.wait_for_selector("#loss path.train")
    until(page, "document.querySelectorAll('[aria-busy]').length === 0")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing(open_page: Callable[..., Any], width: int, theme: str) -> None:
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe-playwright-python (extra: test) is not installed")
    page = open_page(width, color_scheme=theme, below="/heads/")
    see_all(page)
    page.locator("#tokens .token").nth(1).focus()
    page.locator(".part").nth(0).click()
    page.click("#tour-button")
    page.wait_for_timeout(300)
    # What is still of the text before is pale until the stop's own text has been read.
    until(page, "document.querySelectorAll('[aria-busy]').length === 0")
    until(page, "document.getAnimations().every((one) => one.playState !== 'running')")
    # Its script comes with the package; the page's own rules forbid scripts in the text of the page.
    page.evaluate((Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    wrong = [(v["id"], v["help"], [node["html"][:160] for node in v["nodes"][:3]]) for v in result["violations"]]
    assert not wrong, wrong


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_is_wider_than_the_window(open_page: Callable[..., Any], width: int) -> None:
    page = open_page(width)
    see_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_theme_follows_the_system_until_one_chooses(open_page: Callable[..., Any]) -> None:
    page = open_page(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    page.wait_for_selector("html[data-theme='light']")
    light = page.evaluate(paper)
    assert dark != light
    page.click("#theme-button")
    assert page.evaluate(paper) == dark
    assert page.locator("#theme-button").get_attribute("aria-pressed") == "true"
    page.reload()
    assert page.evaluate(paper) == dark


def test_everything_can_be_done_with_the_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = set()
    see_all(page)
    page.locator("#tour-button").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className.split(' ')[0]"))
    wanted = {"prompt", "token", "write-on", "write-one", "pace", "branch", "temperature", "top-k", "top-p"}
    wanted |= {"candidate", "draw", "map", "part", "outcome", "run-step", "run-layer", "run-head"}
    assert wanted <= reached, wanted - reached

    page.locator(".candidate").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    word = page.locator(".candidate .word").nth(2).text_content()
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#tokens .token').length === 7")
    assert page.locator("#tokens .token").last.text_content().strip() in (word.strip("␣"), word)

    page.locator("#tokens .token[tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('token-card').textContent.includes('piano')")

    page.locator(".map").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('head-name').textContent === 'Layer 1, head 0'")

    page.locator("#lens").scroll_into_view_if_needed()
    page.locator("#lens-table td[tabindex='0']").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#lens-table td.followed').length === 4")


def test_the_focus_can_be_seen(open_page: Callable[..., Any]) -> None:
    page = open_page()
    for _ in range(14):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 100)")


def test_pictures_say_what_they_show(open_page: Callable[..., Any]) -> None:
    page = open_page()
    see_all(page)
    until(page, "document.getElementById('large-map').getAttribute('aria-label').includes('looks most at')")
    assert "training loss went from" in page.locator("#loss svg").get_attribute("aria-label")
    assert "%" in page.locator("#strip").get_attribute("aria-label")
    assert "chance" in page.locator(".candidate").first.get_attribute("aria-label")


def test_nothing_jumps_while_one_plays(open_page: Callable[..., Any]) -> None:
    page = open_page()
    see_all(page)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    page.evaluate(
        "window.jumps = []; new PerformanceObserver(list => list.getEntries().forEach(e => jumps.push(e.value)))"
        ".observe({type: 'layout-shift', buffered: false})"
    )
    for value in (0, 0.3, 1.2, 2):
        page.locator("#temperature").evaluate(
            "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", value
        )
        page.wait_for_timeout(60)
    page.click("#draw")
    page.locator("#tokens .token").nth(1).hover()
    page.locator("#tokens .token").nth(3).hover()
    page.wait_for_timeout(800)
    assert sum(page.evaluate("jumps")) < 0.02


def test_the_page_loads_without_jumps(open_page: Callable[..., Any]) -> None:
    page = open_page(anew=True)
    page.evaluate(
        "window.jumps = []; new PerformanceObserver(list => list.getEntries().forEach(e => jumps.push(e.value)))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.wait_for_timeout(500)
    assert sum(page.evaluate("jumps")) < 0.1


def test_nothing_is_loaded_from_elsewhere(open_page: Callable[..., Any], url: str) -> None:
    page = open_page()
    see_all(page)
    names = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert {urlsplit(name).netloc for name in names} == {urlsplit(url).netloc}


def test_a_reader_without_motion_gets_none(open_page: Callable[..., Any]) -> None:
    page = open_page(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.bar-final')).transitionDuration") in ("0s", "")
    moving = open_page(reduced_motion="no-preference")
    assert moving.evaluate("getComputedStyle(document.querySelector('.bar-final')).transitionDuration") != "0s"
