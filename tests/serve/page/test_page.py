"""Each feature of the page, as one who plays with it sees it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from chances import probabilities
from serve.page.playing import settle, slide, texts, until, wait_for

from nextword.decode.sampling import Sampling
from nextword.model import GPT
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)


def chances(page: Any) -> list[float]:
    """What the list says, in per cent; "< 0.1" as 0.05."""
    return [0.05 if "<" in text else float(text.split()[0]) for text in texts(page, ".candidate .chance")]


def number_of_tokens(page: Any) -> int:
    return page.locator("#tokens .token").count()


def visible(text: str) -> str:
    """A token as the page shows it."""
    marks = {"\n": "↵", "\r": "␍", "\t": "⇥", "\ufffd": "◌"}
    text = re.sub("^ | $", "␣", text)
    return "".join(marks.get(letter, letter) for letter in text) or "∅"


def expected(model: GPT, sampling: Sampling) -> tuple[list[str], list[float]]:
    with torch.no_grad():
        logits = model(torch.tensor([IDS]))[:, -1]
    found = probabilities(sampling, logits)[0]
    order = logits[0].argsort(descending=True, stable=True)[:12]
    return [visible(TOKENIZER.decode([int(id)])) for id in order], [100 * float(found[id]) for id in order]


def test_the_prompt_is_read_in_tokens(page: Any) -> None:
    assert "".join(texts(page, "#tokens .token")) == BEGINNING
    page.fill("#prompt", "Haddow’s ferry\nand 🧩")
    until(page, "document.getElementById('tokens').textContent.includes('ferry')")
    assert number_of_tokens(page) == len(TOKENIZER.encode("Haddow’s ferry\nand 🧩"))
    page.fill("#prompt", "")
    page.wait_for_selector("#text .notice:visible")
    assert "at least one token" in page.locator("#text .notice:visible").text_content()


def test_a_text_that_is_too_long_keeps_its_end_and_says_so(page: Any) -> None:
    page.fill("#prompt", "one " * 100 + "last")
    until(page, "document.getElementById('token-count').textContent.startsWith('64')")
    page.wait_for_selector("#text .notice:visible")
    assert "64 at most" in page.locator("#text .notice:visible").text_content()
    assert texts(page, "#tokens .token")[-1] == " last"
    assert page.locator("#write-one").is_disabled()


@pytest.mark.parametrize(
    ("sampling", "sliders"),
    [
        (Sampling(1.0, None, 1.0), {"temperature": 1, "top-k": 13, "top-p": 1}),
        (Sampling(0.8, 40, 1.0), {}),
        (Sampling(1.5, 5, 0.6), {"temperature": 1.5, "top-k": 4, "top-p": 0.6}),
        (Sampling(0.0), {"temperature": 0}),
    ],
)
def test_the_bars_are_what_python_draws_from(page: Any, served_model: GPT, sampling: Sampling, sliders: dict) -> None:
    for id, value in sliders.items():
        slide(page, id, value)
    words, right = expected(served_model, sampling)
    assert texts(page, ".candidate .word") == words
    for said, p in zip(chances(page), right, strict=True):
        assert said == pytest.approx(p, abs=0.51 if p >= 9.9 else 0.06)
    if sampling.temperature == 0:
        assert texts(page, ".candidate .why")[1] == "not the likeliest"
    if sampling.top_k == 5:
        assert texts(page, ".candidate .why")[-1] == "beyond top-k"


def test_sliders_do_not_ask_the_server(page: Any) -> None:
    settle(page, "next")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for temperature in (0.1, 0.5, 1.7):
        slide(page, "temperature", temperature)
        slide(page, "top-p", 1 - temperature / 4)
    page.wait_for_timeout(400)
    assert [url for url in asked if "/api/run" not in url] == []


def test_drawing_points_at_a_token_that_can_then_be_taken(page: Any) -> None:
    slide(page, "top-k", 2)  # three tokens
    page.click("#draw")
    said = page.locator("#drawn").text_content()
    assert re.match(r"0\.\d{4} falls on “.+”\.", said)
    assert page.locator(".pin.shown").count() == 1
    hit = page.locator(".candidate.hit .word").text_content()
    page.click("#take-drawn")
    until(page, f"document.querySelectorAll('#tokens .token').length === {len(IDS) + 1}")
    assert visible(texts(page, "#tokens .token")[-1]) in (hit, hit.replace("␣", " "), visible(hit))


def test_candidates_make_a_tree_of_branches(page: Any) -> None:
    first, second = texts(page, ".candidate .word")[:2]
    page.locator(".candidate").nth(0).click()
    until(page, f"document.querySelectorAll('#tokens .token').length === {len(IDS) + 1}")
    page.locator("#tree .branch").first.wait_for()
    # Back to before it: another way from the same place. The token's card offers what else could have stood there.
    page.locator("#tokens .token").last.focus()
    page.wait_for_selector(".other")
    page.locator(".other").nth(1).click()
    until(page, "document.querySelectorAll('#tree .branch').length === 3")
    branches = texts(page, "#tree .branch")
    assert branches[0] == BEGINNING
    assert first != second
    page.locator("#tree .branch").nth(1).click()
    until(page, "document.querySelectorAll('#tree .branch')[1].hasAttribute('aria-current')")
    assert visible(texts(page, "#tokens .token")[-1]).strip("␣") == first.strip("␣")
    page.click("#prune")
    until(page, "document.querySelectorAll('#tree .branch').length === 1")


def test_a_new_beginning_keeps_the_branches_that_grew(page: Any) -> None:
    page.locator(".candidate").nth(0).click()
    until(page, f"document.querySelectorAll('#tokens .token').length === {len(IDS) + 1}")
    page.fill("#prompt", "Agnes")
    until(page, "document.getElementById('tokens').textContent === 'Agnes'")
    page.fill("#prompt", "Wilf")
    until(page, "document.getElementById('tokens').textContent === 'Wilf'")
    page.wait_for_timeout(100)
    branches = texts(page, "#tree .branch")
    assert len(branches) == 2
    assert branches[0].startswith(BEGINNING)
    assert branches[1] == "Wilf"


def test_it_writes_on_until_it_is_paused(page: Any) -> None:
    slide(page, "pace", 5)
    page.click("#write-on")
    until(page, f"document.querySelectorAll('#tokens .token').length >= {len(IDS) + 4}")
    page.click("#write-on")
    count = number_of_tokens(page)
    page.wait_for_timeout(500)
    assert number_of_tokens(page) == count
    assert page.locator("#write-on").text_content() == "Write on"
    assert page.locator("#announcer").text_content().startswith("Written: ")


def hold(page: Any, path: str) -> list[Any]:
    """Keep the answers to a path back; give the list of those that wait, to be let go with `continue_`."""
    waiting: list[Any] = []
    page.route(f"**{path}", lambda route: waiting.append(route))
    return waiting


def test_no_token_comes_after_the_pause_whatever_is_under_way(page: Any) -> None:
    waiting = hold(page, "/api/next")
    slide(page, "pace", 6)
    page.click("#write-on")
    until(page, f"document.querySelectorAll('#tokens .token').length === {len(IDS) + 1}")
    wait_for(page, lambda: waiting)
    page.click("#write-on")
    waiting[0].continue_()
    page.wait_for_timeout(300)
    assert number_of_tokens(page) == len(IDS) + 1
    assert page.locator("#write-on").text_content() == "Write on"


def test_what_is_shown_for_another_text_cannot_be_taken(page: Any) -> None:
    waiting = hold(page, "/api/next")
    page.locator(".candidate").first.dblclick()
    wait_for(page, lambda: waiting)
    slide(page, "temperature", 0.3)
    assert page.locator("#draw").is_disabled()
    waiting[0].continue_()
    until(page, "!document.getElementById('draw').disabled")
    assert number_of_tokens(page) == len(IDS) + 1


def test_questions_about_a_text_that_is_gone_are_called_off(page: Any) -> None:
    settle(page, "lens")
    page.wait_for_selector("#lens-table td")
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    waiting = hold(page, "/api/logit_lens")
    for words in ("Agnes had", "Agnes had a"):
        page.fill("#prompt", words)
        until(page, f"document.getElementById('tokens').textContent === {words!r}")
        page.wait_for_timeout(300)
    assert len(waiting) == 2
    # Where the machine is busy, panels that were passed on the way may still have been asking as well.
    assert [url.rsplit("/", 1)[1] for url in given_up].count("logit_lens") == 1
    waiting[1].continue_()
    columns = len(TOKENIZER.encode("Agnes had a")) + 1
    until(page, f"document.querySelectorAll('#lens-table thead th').length === {columns}")


def test_it_writes_until_the_window_is_full(page: Any) -> None:
    slide(page, "pace", 6)
    page.click("#write-on")
    until(page, "document.querySelectorAll('#tokens .token').length === 64", seconds=60)
    until(page, "document.getElementById('write-on').textContent === 'Write on'")
    assert "64 tokens at most" in page.locator("#announcer").text_content()


def test_a_slow_pace_can_be_followed(page: Any) -> None:
    slide(page, "pace", 1)
    page.click("#write-on")
    until(page, f"document.querySelectorAll('#tokens .token').length === {len(IDS) + 1}")
    page.wait_for_timeout(900)
    assert number_of_tokens(page) == len(IDS) + 1
    page.click("#write-on")


def test_surprise_is_coloured_and_told(page: Any, served_model: GPT) -> None:
    settle(page, "text")
    until(page, "document.getElementById('perplexity').textContent !== ''")
    with torch.no_grad():
        log = served_model(torch.tensor([IDS]))[0, :-1].double().log_softmax(-1)
    own = log.gather(-1, torch.tensor(IDS[1:])[:, None])[:, 0]
    perplexity = float((-own.mean()).exp())
    said = page.locator("#perplexity").text_content().removeprefix("perplexity ").replace(",", "")
    assert float(said) == pytest.approx(perplexity, rel=0.01)
    heats = page.locator("#tokens .token").evaluate_all(
        "all => all.map(e => Number(e.style.getPropertyValue('--heat')))"
    )
    assert heats[0] == 0
    for heat, value in zip(heats[1:], own.tolist(), strict=True):
        assert heat == pytest.approx(min(1, -value / 0.6931472 / 12), abs=0.01)
    page.locator("#tokens .token").nth(2).hover()
    assert "bits of surprise" in page.locator("#token-card").text_content()
    assert page.locator(".other").count() == 5


def test_attention_shows_all_heads_and_where_a_token_looks(page: Any) -> None:
    settle(page, "attention")
    until(page, "document.querySelector('.map canvas').width > 1")
    assert page.locator(".map").count() == 6
    page.locator(".map").nth(3).click()
    until(page, "document.getElementById('head-name').textContent === 'Layer 1, head 1'")
    page.locator("#looking .token").nth(1).hover()
    until(page, "document.getElementById('looks-at').textContent.startsWith('“piano” looks at')")
    shares = re.findall(r"(\d+(?:\.\d)?) %", page.locator("#looks-at").text_content())
    assert sum(map(float, shares)) == pytest.approx(100, abs=1.1)
    # The first token can look at nothing but itself.
    page.locator("#looking .token").nth(0).hover()
    until(page, "document.getElementById('looks-at').textContent === '“The” looks at itself 100 %.'")
    box = page.locator("#large-map").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] - 8)
    until(page, "/of its attention/.test(document.getElementById('looks-at').textContent)")


def test_the_logit_lens_ends_with_what_the_model_says(page: Any) -> None:
    settle(page, "lens")
    page.wait_for_selector("#lens-table td")
    assert page.locator("#lens-table tbody tr").count() == 4
    last = page.locator("#lens-table tbody tr").last.locator("td").last
    assert last.text_content() == page.locator(".candidate .word").first.text_content()
    page.locator("#lens-table td[data-position='1']").first.click()
    assert "“piano”" in page.locator("#follow-title").text_content()
    assert page.locator("#follow li").count() == 4
    assert page.locator("#follow li").first.locator(".said").count() == 3


def test_parts_add_up_and_can_be_switched_off(page: Any) -> None:
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    assert page.locator(".part").count() == 9
    assert texts(page, "#parts-table thead th") == ["0", "1", "MLP"]
    assert texts(page, "#parts-table tbody th") == ["layer 0", "layer 1", "layer 2"]
    said = page.locator("#parts-sum").text_content().replace("−", "-")
    *shares, total = map(float, re.findall(r"[+-]?\d+\.\d\d", said))
    assert sum(shares) == pytest.approx(total, abs=0.001)
    assert page.locator("#knocked").text_content() == "Nothing is switched off."
    page.locator(".part").nth(2).click()  # the first layer's MLP
    until(page, "document.getElementById('knocked').textContent.startsWith('Without that part')")
    assert "→" in page.locator(".outcome .chance").first.text_content()
    page.locator(".part").nth(3).click()
    until(page, "document.getElementById('knocked').textContent.startsWith('Without those 2 parts')")
    page.click("#all-on")
    until(page, "document.getElementById('knocked').textContent === 'Nothing is switched off.'")
    word = page.locator(".outcome .word").nth(1).text_content()
    page.locator(".outcome").nth(1).click()
    until(page, f"document.querySelector('#parts-word b').textContent === {word!r}")


def test_training_is_followed_live(page: Any, run_directory: Any) -> None:
    settle(page, "training")
    page.wait_for_selector("#loss path.train")
    assert "to the ferry." in page.locator("#sample").text_content()
    until(page, "document.getElementById('run-head-name').textContent.includes('step 12')")
    slide(page, "run-step", 7)
    until(page, "document.getElementById('run-head-name').textContent.includes('step 6')")
    assert "was a was" in page.locator("#sample").text_content()
    slide(page, "run-step", 12)
    if run_directory.exists():
        with (run_directory / "log.jsonl").open("a") as log:
            log.write('{"step": 13, "train_loss": 4.25, "val_loss": null}\n')
        until(page, "document.getElementById('run-step-said').textContent.startsWith('13 of 13')")
        assert "4.25" in page.locator("#run-live").text_content()


def test_a_run_that_went_wrong_has_a_curve_too(page: Any) -> None:
    wild = {"dir": "runs/wild", "samples": [], "attention": {"steps": [], "ids": []}}
    wild["steps"] = [{"step": n, "train_loss": 10.0**n, "val_loss": None} for n in range(8)]
    page.route("**/api/run", lambda route: route.fulfill(json=wild))
    settle(page, "training")
    page.wait_for_selector("#loss path.train")
    ticks = texts(page, "#loss text[text-anchor=end]")
    assert ticks[:3] == ["0", "2M", "4M"]
    assert "Nothing is there yet" in page.locator("#run-head-name").text_content()


def test_a_server_with_a_key_is_asked_for_it_once(open_page: Any, url: str) -> None:
    page = open_page(at="about:blank", complain=False)
    page.route("**/api/model", lambda route: route.fulfill(status=401, json={"error": {"message": "no key"}}))
    page.goto(url)
    page.wait_for_selector("#key-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#trouble:visible")
    assert "who have its key" in page.locator("#trouble").text_content()
    assert not page.locator("#key-dialog").is_visible()


def test_the_tour_leads_through_the_page_and_shows_the_code(open_page: Callable[..., Any]) -> None:
    page = open_page(below="/heads/")
    page.click("#tour-button")
    stops = []
    for stop in range(1, 11):
        assert page.locator("#tour-place").text_content() == f"Stop {stop} of 10"
        assert page.evaluate("document.activeElement.id") == "tour-title"
        until(page, "/, line \\d+$/.test(document.getElementById('tour-where').textContent)")
        assert "def " in page.locator("#tour-code").text_content()
        stops.append(page.locator(".panel.toured").get_attribute("id"))
        # The card stands right above the part that it is about.
        assert page.evaluate("document.getElementById('tour').nextElementSibling.id") == stops[-1]
        page.click("#tour-on")
    assert page.locator("#tour").is_hidden()
    assert {"text", "next", "attention", "lens", "parts", "training"} == set(stops)
    assert page.evaluate("document.activeElement.id") == "tour-button"


def test_the_model_is_described(page: Any) -> None:
    facts = page.locator("#facts").text_content()
    assert "50,257" in facts
    assert "64" in facts
    assert "3 layers of 2 heads" in page.locator("#model-line").text_content()


def test_a_long_text_stays_readable(open_page: Callable[..., Any]) -> None:
    page = open_page(390)
    page.fill("#prompt", "The piano came down to the ferry. " * 7)
    until(page, "document.querySelectorAll('#tokens .token').length > 50")
    for section in ("attention", "lens"):
        settle(page, section)
    page.wait_for_selector("#lens-window:visible")
    assert page.locator("#lens-table thead th").count() == 33
    slide(page, "lens-from", 0)
    page.wait_for_selector("#lens-table td[data-position='0']")
    assert page.locator("#lens-from-said").text_content().startswith("1 to 32 of")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_goes_wrong_is_said(open_page: Callable[..., Any]) -> None:
    page = open_page(complain=False)
    page.route("**/api/next", lambda route: route.abort())
    page.locator(".candidate").nth(0).click()
    page.wait_for_selector("#trouble:visible")
    assert "does not answer" in page.locator("#trouble").text_content()
    page.unroute("**/api/next")
    page.locator("#tree .branch").first.wait_for()
    page.fill("#prompt", "Agnes and")
    page.wait_for_selector("#trouble", state="hidden")


def test_a_server_with_a_key_is_given_it(open_page: Callable[..., Any], serve: Any, run_directory: Path) -> None:
    with serve(run_directory, "--api-key", "ferry") as served:
        page = open_page(at=served.url, complain=False)
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key", "fairy")
        page.keyboard.press("Enter")
        until(page, "document.getElementById('key-said').textContent.startsWith('That was not the key')")
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key", "ferry")
        page.keyboard.press("Enter")
        page.wait_for_selector(".candidate:not([disabled])")
        assert page.locator("#key-dialog[open]").count() == 0


def test_a_model_that_is_no_run_says_how_to_see_training(
    open_page: Callable[..., Any], serve: Any, directory: Path
) -> None:
    with serve(directory) as served:
        page = open_page(at=served.url)
        page.wait_for_selector(".candidate:not([disabled])")
        assert "nextword train" in page.locator("#training").text_content()
        assert page.locator("#run").is_hidden()
        page.close()  # before its server ends, or it would complain of questions that nobody answers
