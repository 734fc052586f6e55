"""What the page begins with: a link's text, or an example that suits what the model has read."""

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from serve.page.playing import until, until_text, until_tokens

from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)


def test_an_address_holds_the_text(open_page: Callable[..., Any], page: Any, url: str) -> None:
    assert "#" not in page.url
    words = "Wilf’s 🧩\nand 100 %"
    page.fill("#prompt", words)
    until(page, "location.hash.startsWith('#t=')")
    address = page.evaluate("location.href")
    page.click("nav a[href='#attention']")
    until(page, f"location.href === {address + '&panel=attention'!r}")
    assert page.locator("#attention").bounding_box()["y"] < 200
    other = open_page(at=address)
    until_tokens(other, len(TOKENIZER.encode(words)))
    assert other.locator("#prompt").input_value() == words
    page.evaluate("words => { location.hash = 't=' + encodeURIComponent(words); }", "Agnes and")
    until_text(page, "Agnes and")
    broken = open_page(at=f"{url}/#t=%E2%80")
    until_text(broken, BEGINNING)


# What the page begins with


def served_as(page: Any, url: str, data: dict[str, Any] | None, step: int = 204) -> None:
    """Open the page as if the served run had read this, and the weights were those of a step."""
    run = {"dir": "runs/a", "data": data, "begun": "1", "samples": [], "attention": {"steps": [], "ids": []}}
    run["steps"] = [{"step": 204, "tokens": 104448, "train_loss": 0.2, "val_loss": None}]
    page.route("**/api/run", lambda route: route.fulfill(json=run))
    page.route("**/api/model", lambda route: route.fulfill(json={**route.fetch().json(), "step": step}))
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


def test_a_run_that_has_only_begun_has_not_read_its_text(page: Any, url: str) -> None:
    story = {"name": "story", "train_tokens": 6063, "init": None}
    served_as(page, url, story, step=0)
    assert "has read nothing yet" in page.locator("#remark").text_content()
    served_as(page, url, story, step=6)
    said = page.locator("#remark").text_content()
    assert said.startswith("This GPT-2 has read about 3,072 of the 6,063 tokens of one story")
    assert "in 6 steps of training" in said
    page.get_by_role("button", name="The story’s beginning").click()
    until(page, "document.getElementById('remark').textContent.includes('does not know it by heart yet')")
    served_as(page, url, story)
    page.get_by_role("button", name="The story’s beginning").click()
    until(page, "document.getElementById('remark').textContent.includes('knows it by heart')")


def test_the_sentence_that_is_said_to_be_in_no_story_is_in_none() -> None:
    page = Path(__file__).parents[3] / "src/nextword/serve/page/examples.js"
    [sentence] = re.findall(r'name: "A sentence not in it",\s+text: "(.+)"', page.read_text(encoding="utf-8"))
    story = resources.files("nextword.data").joinpath("story.txt").read_text(encoding="utf-8")
    assert sentence not in story
    assert "A Penny on Haddow\n\nThe piano came down to the" in story


def test_examples_are_read_as_they_stand(open_page: Callable[..., Any]) -> None:
    page = open_page(390)
    place = page.locator("#write-on").bounding_box()
    for button in page.locator("#examples button:not(#own-text)").all():
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
    until(page, "decodeURIComponent(location.hash) === '#t=The harbour was quiet&panel=attention'")


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


def test_a_model_with_its_own_vocabulary_begins_with_its_own_text(open_page: Callable[..., Any]) -> None:
    page = open_page()
    ask = """async ([run, n_vocab]) => (await import("/examples.js")).examplesFor(run, 5, n_vocab)[0]"""
    run = {"data": {"name": "bengali"}, "samples": [{"step": 0, "prompt": "আল্লাহ তাদের", "text": " কাছে"}]}
    first = page.evaluate(ask, [run, 4000])
    assert first["text"] == "আল্লাহ তাদের"
    assert first["opens"]
    assert page.evaluate(ask, [run, 50257])["name"] == "A sentence"
    assert page.evaluate(ask, [{"data": {"name": "bengali"}, "samples": []}, 4000])["name"] == "A sentence"
