"""The text: typed, taken, gone back from, linked to; what each token was worth, and what begins a story's page."""

import json
import re
from collections.abc import Callable
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from serve.page.playing import until, wait_for

from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)


def texts(page: Any, selector: str) -> list[str]:
    return page.locator(selector).all_text_contents()


def until_tokens(page: Any, n: int) -> None:
    until(page, f"document.querySelectorAll('#tokens .token').length === {n}")


def until_text(page: Any, words: str) -> None:
    until(page, f"document.getElementById('tokens').textContent === {json.dumps(words)}")


def until_quiet(page: Any) -> None:
    """Until the server has told how likely each token was."""
    until(page, "document.getElementById('perplexity').textContent !== ''")


def take(page: Any, place: int = 0) -> None:
    """Take a candidate, when there are candidates for the text as it is."""
    n = page.locator("#tokens .token").count()
    page.locator(f".candidate:not([disabled]) >> nth={place}").click()
    until_tokens(page, n + 1)
    until(page, "!document.getElementById('draw').disabled")


def slide(page: Any, id: str, value: float) -> None:
    page.locator(f"#{id}").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )


# A token stays chosen


def test_a_pressed_token_stays_chosen_while_the_pointer_goes_elsewhere(page: Any) -> None:
    until_quiet(page)
    tokens = page.locator("#tokens .token")
    tokens.nth(1).hover()
    assert "piano" in page.locator("#token-card").text_content()
    tokens.nth(2).hover()  # nothing is pinned: the card follows
    assert "came" in page.locator("#token-card").text_content()
    tokens.nth(2).click()
    tokens.nth(4).hover()
    assert "came" in page.locator("#token-card b").first.text_content()
    assert tokens.nth(2).get_attribute("aria-pressed") == "true"
    tokens.nth(2).click()
    tokens.nth(4).hover()
    assert page.locator("#token-card b").first.text_content() == "␣to"
    tokens.nth(3).click()
    page.keyboard.press("Escape")
    tokens.nth(1).hover()
    assert "piano" in page.locator("#token-card b").first.text_content()


def test_another_token_put_in_its_place_stays_chosen_and_holds_the_focus(page: Any) -> None:
    until_quiet(page)
    page.locator("#tokens .token").nth(3).click()
    page.locator(".other").nth(2).focus()
    label = page.locator(".other").nth(2).get_attribute("aria-label")
    page.keyboard.press("Enter")
    until_tokens(page, 4)
    assert texts(page, "#tokens .token")[:3] == ["The", " piano", " came"]
    last = page.locator("#tokens .token").last
    assert last.evaluate("e => e === document.activeElement")
    assert last.get_attribute("aria-pressed") == "true"
    # What is known of it is known without asking again.
    assert page.locator(".other.same").get_attribute("aria-label") == label
    assert page.locator(".token.unknown").count() == 0


# The box and the text are one


def test_the_box_shows_what_was_taken_and_goes_on_from_there(page: Any) -> None:
    until_quiet(page)
    take(page)
    taken = texts(page, "#tokens .token")[-1]
    assert page.locator("#prompt").input_value() == BEGINNING + taken
    page.locator("#prompt").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(", said")
    until_text(page, BEGINNING + taken + ", said")
    assert page.locator("#prompt").input_value() == BEGINNING + taken + ", said"
    # What was taken is still the model's own, and nothing has forked.
    kinds = page.locator("#tokens .token").evaluate_all("all => all.map(e => e.classList.contains('taken'))")
    assert kinds == [False] * len(IDS) + [True] + [False] * (len(kinds) - len(IDS) - 1)
    assert page.locator("#tree .branch").count() == 1
    page.keyboard.press("Control+A")
    page.keyboard.type("Agnes")
    until_text(page, "Agnes")
    until(page, "document.querySelectorAll('#tree .branch').length === 2")


def test_a_token_that_was_taken_is_not_cut_anew(page: Any) -> None:
    page.fill("#prompt", "The pian")
    until_tokens(page, len(TOKENIZER.encode("The pian")))
    until_quiet(page)
    take(page)
    taken = texts(page, "#tokens .token")
    box = page.locator("#prompt").input_value()
    page.locator("#prompt").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("o")
    until_tokens(page, len(taken) + 1)
    assert page.locator("#prompt").input_value() == box + "o"
    assert texts(page, "#tokens .token") == [*taken, "o"]


def test_the_caret_stays_where_one_types(page: Any) -> None:
    page.locator("#prompt").focus()
    page.keyboard.press("Control+Home")
    for letter in "So, ":
        page.keyboard.type(letter)
        page.wait_for_timeout(300)  # longer than the page waits before it asks
    page.wait_for_timeout(300)
    assert page.locator("#prompt").input_value() == "So, " + BEGINNING
    assert page.evaluate("document.getElementById('prompt').selectionStart") == 4
    until_text(page, "So, " + BEGINNING)


def test_what_is_being_typed_is_not_overwritten(page: Any) -> None:
    until_quiet(page)
    waiting: list[Any] = []
    page.route("**/tokenize", lambda route: waiting.append(route))
    page.locator("#prompt").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" town")
    page.locator(".candidate").first.click()
    until_tokens(page, len(IDS) + 1)
    assert page.locator("#prompt").input_value() == BEGINNING + " town"
    wait_for(page, lambda: waiting)
    for route in waiting:
        route.continue_()
    until_text(page, BEGINNING + " town")


def test_an_address_holds_the_text(open_page: Callable[..., Any], page: Any, url: str) -> None:
    assert "#" not in page.url
    words = "Wilf’s 🧩\nand 100 %"
    page.fill("#prompt", words)
    until(page, "location.hash.startsWith('#t=')")
    address = page.evaluate("location.href")
    page.click("nav a[href='#attention']")
    until(page, f"location.href === {address!r}")
    assert page.locator("#attention").bounding_box()["y"] < 200
    other = open_page(at=address)
    until_tokens(other, len(TOKENIZER.encode(words)))
    assert other.locator("#prompt").input_value() == words
    page.evaluate("words => { location.hash = 't=' + encodeURIComponent(words); }", "Agnes and")
    until_text(page, "Agnes and")
    broken = open_page(at=f"{url}/#t=%E2%80")
    until_text(broken, BEGINNING)


def test_one_goes_back_a_token_at_a_time(page: Any) -> None:
    until_quiet(page)
    take(page)
    take(page)
    page.click("#back")
    until_tokens(page, len(IDS) + 1)
    page.keyboard.press("Control+z")
    until_tokens(page, len(IDS))
    page.locator("#tokens .token").last.focus()
    page.keyboard.press("Backspace")
    until_text(page, "The piano came down to")
    assert page.evaluate("document.activeElement.textContent") == " to"
    for _ in range(8):
        page.keyboard.press("Backspace")
    until_text(page, "The")
    assert page.locator("#back").is_disabled()
    assert page.locator("#prompt").input_value() == "The"
    assert "".join(texts(page, "#tree .branch .ahead")).startswith(" piano came")  # nothing is forgotten


def test_cut_branches_come_back(page: Any) -> None:
    until_quiet(page)
    take(page, 0)
    page.click("#back")
    until(page, "!document.getElementById('draw').disabled")
    take(page, 1)
    until(page, "document.querySelectorAll('#tree .branch').length === 3")
    before = texts(page, "#tree .branch")
    page.locator("#prune").focus()
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#tree .branch').length === 1")
    assert page.evaluate("document.activeElement.id") == "prune"
    assert page.locator("#prune").text_content() == "Bring the others back"
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#tree .branch').length === 3")
    assert sorted(texts(page, "#tree .branch")) == sorted(before)


# What is said of it


def test_a_space_at_the_end_is_spoken_of_when_one_has_stopped_typing(page: Any) -> None:
    page.fill("#prompt", BEGINNING + " ")
    until_tokens(page, len(IDS) + 1)
    assert "ends with a space" not in page.locator("#remark").text_content()
    until(page, "document.getElementById('remark').textContent.includes('ends with a space')")
    page.fill("#prompt", BEGINNING)
    until(page, "!document.getElementById('remark').textContent.includes('ends with a space')")


def test_a_full_text_says_so_and_cannot_be_written_on(page: Any) -> None:
    page.fill("#prompt", "one" + " one" * 61)
    until_tokens(page, 62)
    slide(page, "pace", 6)
    until(page, "!document.getElementById('draw').disabled")
    page.click("#write-on")
    until_tokens(page, 64)
    until(page, "document.getElementById('write-on').disabled")
    assert page.locator("#write-on").text_content() == "Write on"
    assert "64 tokens at most" in page.locator("#remark.notice").text_content()
    # A button that can no longer be pressed gives the focus to one that can.
    assert page.evaluate("document.activeElement.id") == "back"
    page.keyboard.press("Enter")
    until(page, "!document.getElementById('write-on').disabled")
    assert page.locator("#remark.notice").count() == 0


def test_an_empty_box_shows_nothing_of_another_text(page: Any) -> None:
    until_quiet(page)
    page.fill("#prompt", "")
    until_text(page, "")
    assert set(texts(page, ".candidate .word")) == {""}
    assert page.locator("#perplexity").text_content() == ""
    assert page.locator("#rest").text_content() == ""
    page.fill("#prompt", BEGINNING)
    until(page, "document.querySelector('.candidate .word').textContent !== ''")


def test_bytes_of_a_character_are_explained_and_joined(page: Any) -> None:
    page.fill("#prompt", "a 🧩")
    n = len(TOKENIZER.encode("a 🧩"))
    until_tokens(page, n)
    until(page, "document.querySelector('#tree .on').textContent === 'a 🧩'")
    page.locator("#tokens .token").nth(1).click()
    until(page, "document.getElementById('token-card').textContent.includes('of the 4 bytes of 🧩')")
    page.click("#back")
    until_tokens(page, n - 1)
    page.locator("#tokens .token").nth(1).click()
    assert "of the 4 bytes of a character that is not whole yet" in page.locator("#token-card").text_content()


def test_line_ends_can_be_seen_in_the_tree(page: Any) -> None:
    page.fill("#prompt", "One.\n\nTwo")
    until(page, "document.querySelector('#tree .on').textContent === 'One.↵↵Two'")


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


# What the page begins with


def served_as(page: Any, url: str, data: dict[str, Any] | None) -> None:
    """Open the page as if the served run had read this."""
    run = {"dir": "runs/a", "data": data, "steps": [{"step": 204, "train_loss": 0.2, "val_loss": None}]}
    run |= {"samples": [], "attention": {"steps": [], "ids": []}}
    page.route("**/api/run", lambda route: route.fulfill(json=run))
    page.goto(f"{url}/#fresh")
    page.reload()
    page.wait_for_selector(".candidate:not([disabled])")


def test_a_model_of_the_story_begins_with_its_title(page: Any, url: str) -> None:
    served_as(page, url, {"name": "story", "train_tokens": 6063, "init": None})
    titled = "A Penny on Haddow\n\nThe piano came down to the"
    assert page.locator("#prompt").input_value() == titled
    said = page.locator("#remark").text_content()
    assert said.startswith("This GPT-2 has read 6,063 tokens of one story")
    assert said.endswith("in 204 steps of training, and nothing else.")
    page.set_viewport_size({"width": 390, "height": 844})
    place = page.locator("#write-on").bounding_box()
    page.get_by_role("button", name="The same without its title").click()
    until_text(page, BEGINNING)
    assert page.locator("#write-on").bounding_box() == place  # however long what is said of it is
    moved = len(TOKENIZER.encode(titled)) - len(IDS)
    assert f"{moved} places earlier" in page.locator("#remark").text_content()
    page.fill("#prompt", "Agnes")
    until_text(page, "Agnes")
    assert page.locator("#remark").text_content() == said


def test_a_model_that_began_with_others_weights_has_read_more(page: Any, url: str) -> None:
    served_as(page, url, {"name": "letters", "train_tokens": 10, "init": "gpt2"})
    said = page.locator("#remark").text_content()
    assert said.startswith("This GPT-2 began with what gpt2 had learned, and then read 10 tokens of “letters”")
    assert "nothing else" not in said
    assert page.locator("#prompt").input_value() == BEGINNING


def test_the_sentence_that_is_said_to_be_in_no_story_is_in_none() -> None:
    page = Path(__file__).parents[3] / "src/nextword/serve/page/examples.js"
    [sentence] = re.findall(r'name: "A sentence not in it",\s+text: "(.+)"', page.read_text(encoding="utf-8"))
    story = resources.files("nextword.data").joinpath("story.txt").read_text(encoding="utf-8")
    assert sentence not in story
    assert "A Penny on Haddow\n\nThe piano came down to the" in story


def test_examples_are_read_as_they_stand(open_page: Callable[..., Any]) -> None:
    page = open_page(390)
    place = page.locator("#write-on").bounding_box()
    for button in page.locator("#examples button").all():
        button.click()
        until(page, "document.getElementById('tokens').textContent !== ''")
        box = page.locator("#prompt").input_value()
        until(page, f"document.getElementById('token-count').textContent.startsWith('{len(TOKENIZER.encode(box))} of')")
        assert page.locator("#remark.notice").count() == 0
        assert page.locator("#remark").text_content()
        assert page.locator("#write-on").bounding_box()["y"] == place["y"]  # however long what is said of it is


def test_a_link_from_elsewhere_is_read_whole(open_page: Callable[..., Any], url: str) -> None:
    page = open_page(at=f"{url}/#t={quote('one ' * 80)}")
    until_tokens(page, 64)
    assert "64 at most" in page.locator("#remark.notice").text_content()


def test_a_link_s_text_outlives_the_way_to_a_part_of_the_page(open_page: Any, url: str) -> None:
    page = open_page(at=f"{url}/#t=The%20harbour%20was%20quiet")
    page.wait_for_selector(".candidate:not([disabled])")
    page.click("nav a[href='#attention']")
    until(page, "decodeURIComponent(location.hash) === '#t=The harbour was quiet'")


def test_the_address_holds_whole_characters_only(open_page: Any, url: str) -> None:
    page = open_page(at=f"{url}/#t=One%20%F0%9F%8C%A7")
    page.wait_for_selector(".candidate:not([disabled])")
    until(page, "document.querySelectorAll('#tokens .token').length > 2")
    page.click("#back")
    until(page, "decodeURIComponent(location.hash).trimEnd() === '#t=One'")


def test_after_a_failure_the_buttons_and_the_panels_ask_again(open_page: Any) -> None:
    page = open_page(complain=False)
    page.locator("#branches").scroll_into_view_if_needed()
    for path in ("next", "way"):
        page.route(f"**/api/{path}", lambda route: route.abort())
    count = page.locator("#tokens .token").count()
    page.click("#write-one")
    page.wait_for_selector("#trouble:visible")
    assert page.locator("#tokens .token").count() == count + 1
    assert page.locator(".candidate:not([disabled])").count() == 0  # they would be another text's
    page.locator("#way").scroll_into_view_if_needed()
    page.wait_for_selector("#way .notice:visible")
    page.unroute_all()
    page.click("#write-one")
    until(page, f"document.querySelectorAll('#tokens .token').length === {count + 2}")
    assert not page.locator("#trouble").is_visible()
    page.locator("#model").scroll_into_view_if_needed()
    page.locator("#way").scroll_into_view_if_needed()
    until(page, "document.getElementById('way-scores').textContent.includes('score')")
