"""The text: typed, taken and gone back from, and what is said of it."""

from typing import Any

from serve.page.playing import slide, take, texts, until, until_quiet, until_text, until_tokens, wait_for

from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)


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
