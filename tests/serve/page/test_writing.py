"""Writing on, and the next word: what a token was worth, seeds, and what is shown meanwhile."""

import re
from itertools import pairwise
from typing import Any

import pytest
from serve.page.playing import slide, take, texts, until, until_quiet, until_tokens, wait_for

from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)


# What a token was worth is known as it is written


def test_new_tokens_are_coloured_at_once_and_as_the_server_would(page: Any) -> None:
    until_quiet(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[1]))
    slide(page, "temperature", 2)
    for place in (3, 7):
        take(page, place)
    heats = page.locator("#tokens .token").evaluate_all(
        "all => all.map(e => Number(e.style.getPropertyValue('--heat')))"
    )
    perplexity = page.locator("#perplexity").text_content()
    assert min(heats[-2:]) > 0
    page.wait_for_timeout(400)
    assert "surprise" not in asked
    found = page.evaluate(
        """async (ids) => (await (await fetch("/api/surprise", {method: "POST", body: JSON.stringify({ids}),
            headers: {"Content-Type": "application/json"}})).json())""",
        page.locator("#tokens .token").evaluate_all("all => all.map(e => Number(e.dataset.id))"),
    )
    right = [min(1.0, -value / 0.6931472 / 12) for value in found["logprob"][1:]]
    assert heats[1:] == pytest.approx(right, abs=1e-3)
    said = float(perplexity.removeprefix("perplexity ").replace(",", ""))
    assert said == pytest.approx(found["perplexity"], rel=0.01)


def test_what_is_not_known_yet_is_hatched(page: Any) -> None:
    until_quiet(page)
    waiting: list[Any] = []
    page.route("**/api/surprise", lambda route: waiting.append(route))
    page.fill("#prompt", BEGINNING + " ferry")
    until_tokens(page, len(IDS) + 1)
    assert page.locator(".token.unknown").count() == 1
    assert page.locator("#perplexity").text_content() == ""
    wait_for(page, lambda: waiting)
    waiting[0].continue_()
    until_quiet(page)
    assert page.locator(".token.unknown").count() == 0


# Writing


def test_pause_stays_where_it_is_while_the_text_grows(page: Any) -> None:
    until_quiet(page)
    slide(page, "pace", 6)
    before = [page.locator(id).bounding_box() for id in ("#write-on", "#token-card")]
    page.click("#write-on")
    until(page, "document.querySelectorAll('#tokens .token').length > 40", seconds=40)
    assert [page.locator(id).bounding_box() for id in ("#write-on", "#token-card")] == before
    page.keyboard.press("Escape")
    until(page, "document.getElementById('write-on').textContent === 'Write on'")
    n = page.locator("#tokens .token").count()
    page.wait_for_timeout(300)
    assert page.locator("#tokens .token").count() == n < 64


def test_a_seed_writes_the_same_again(page: Any) -> None:
    until_quiet(page)
    slide(page, "temperature", 2)
    slide(page, "top-k", 13)
    slide(page, "pace", 6)
    written = []
    for seed in ("7", "7", "8"):
        page.fill("#seed", seed)
        page.fill("#prompt", BEGINNING)  # whoever takes a token at once takes it after what was typed
        for n in range(5):
            page.click("#write-one")
            until_tokens(page, len(IDS) + n + 1)
        written.append(texts(page, "#tokens .token"))
    page.click("#reset")
    assert written[0] == written[1] != written[2]
    assert page.locator("#seed").input_value() == ""
    assert page.locator("#temperature").input_value() == "0.8"
    page.fill("#seed", "ferry")
    assert page.locator("#seed").get_attribute("aria-invalid") == "true"
    assert page.locator("#seed-said").text_content() == "A seed is a whole number."


def test_the_numbers_of_seeds_and_places_fill_the_line_evenly(page: Any) -> None:
    numbers = page.evaluate(
        """async () => {
            const { numberAt } = await import("/sampling.js");
            const row = (seed) => Array.from({ length: 256 }, (_, place) => numberAt(seed, place));
            return Array.from({ length: 64 }, (_, seed) => row(seed));
        }"""
    )
    flat = [number for row in numbers for number in row]
    assert len(set(flat)) > 0.999 * len(flat)
    assert all(0 <= number < 1 for number in flat)
    for rows in (numbers, list(zip(*numbers, strict=True))):  # of one seed, and at one place
        for row in rows:
            assert abs(sum(row) / len(row) - 0.5) < 0.29 * 4.5 / len(row) ** 0.5
    counts = [sum(int(number * 32) == part for number in flat) for part in range(32)]
    expected = len(flat) / 32
    assert sum((count - expected) ** 2 / expected for count in counts) < 70  # chi-squared of 31, p below 1e-4
    after = [(a - 0.5) * (b - 0.5) for row in numbers for a, b in pairwise(row)]
    assert abs(sum(after) / len(after)) < 4.5 / 12 / len(after) ** 0.5


# The next word


def test_what_is_shown_of_another_text_is_pale(page: Any) -> None:
    until_quiet(page)
    waiting: list[Any] = []
    page.route("**/api/next", lambda route: waiting.append(route))
    opacity = "Number(getComputedStyle(document.getElementById('bars')).opacity)"
    assert page.evaluate(opacity) == 1
    page.locator(".candidate").first.click()
    until(page, f"{opacity} < 0.5")
    wait_for(page, lambda: waiting)
    waiting[0].continue_()
    until(page, f"{opacity} === 1")
    page.click("#write-on")
    wait_for(page, lambda: len(waiting) > 1)
    page.wait_for_timeout(500)
    assert page.evaluate(opacity) == 1  # while the model writes, it always is another text's


def test_both_chances_are_told_where_they_differ(page: Any) -> None:
    slide(page, "temperature", 0.3)
    before, drawn = texts(page, ".candidate .before"), texts(page, ".candidate .chance")
    assert before[0] != drawn[0]
    assert f"as the model says {before[0]}" in page.locator(".candidate").first.get_attribute("aria-label")
    slide(page, "temperature", 1)
    slide(page, "top-k", 13)
    assert texts(page, ".candidate .before") == texts(page, ".candidate .chance") == before


def test_the_list_says_when_it_is_all(page: Any) -> None:
    slide(page, "top-k", 2)
    assert page.locator("#rest").text_content() == "3 of 50,257 tokens can be drawn. All of them are shown."
    slide(page, "top-k", 8)
    assert re.search(r"Those not shown share .+ %\.", page.locator("#rest").text_content())


def test_whoever_takes_what_was_drawn_can_draw_again(page: Any) -> None:
    until_quiet(page)
    page.locator("#draw").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until_tokens(page, len(IDS) + 1)
    until(page, "document.activeElement.id === 'draw'")
