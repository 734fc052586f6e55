"""Attention, layers and parts, as one who plays with them sees them, held against the model itself."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from serve.page.playing import settle, until, wait_for

from nextword.lens import ablate, direct_logit_attribution, trace
from nextword.lens.patterns import patterns
from nextword.model import GPT, plain
from nextword.tokenizer import Tokenizer

TOKENIZER = Tokenizer()
BEGINNING = "The piano came down to the"
IDS = TOKENIZER.encode(BEGINNING)
LONG = "The piano came down to the ferry. " * 7


def write(page: Any, text: str) -> None:
    page.fill("#prompt", text)
    n = len(TOKENIZER.encode(text))
    until(page, f"document.querySelectorAll('#tokens .token').length === {n}")


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def number_of(text: str) -> float:
    """As a table says it: 1.20, −3.1, or 4.2 × 10 with the exponent right behind."""
    digits, _, exponent = text.partition(" × 10")
    return number(digits) * 10 ** number(exponent or "0")


def said(page: Any, id: str) -> str:
    return str(page.locator(f"#{id}").text_content())


# Each row's strongest cell has the strongest colour, however long the text is.
DARKEST = """id => {
    const canvas = document.getElementById(id) ?? document.querySelector(id);
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const css = getComputedStyle(document.documentElement).getPropertyValue("--map-ink").trim();
    const ink = [1, 3, 5].map((start) => parseInt(css.slice(start, start + 2), 16));
    const rows = [];
    for (let y = 0; y < height; y++) {
        rows.push(Array.from({ length: width }, (_, x) => 4 * (y * width + x)).filter(
            (at) => ink.every((value, channel) => Math.abs(value - data[at + channel]) <= 2)).length);
    }
    return rows;
}"""


def test_every_row_of_a_map_has_a_cell_of_the_strongest_colour(page: Any) -> None:
    write(page, LONG)
    settle(page, "attention")
    until(page, "document.querySelector('.map canvas').width === 32")
    for head in range(6):
        rows = page.evaluate(DARKEST, f".map:nth-of-type({head + 1}) canvas")
        assert len(rows) == 32
        assert min(rows) >= 1
    rows = page.evaluate(DARKEST, "large-map")
    top = next(y for y, n in enumerate(rows) if n)
    assert sum(n == 0 for n in rows[top : len(rows) - 12]) <= 8  # beside those that frame and ring cover


@pytest.mark.parametrize("strongest", [0.02, 0.034, 0.036, 0.5])
def test_a_head_that_spreads_says_so_and_names_the_strongest(page: Any, strongest: float) -> None:
    ids = TOKENIZER.encode(LONG)
    T = len(ids)
    weights = torch.ones(T, T).tril() * ((1 - strongest) / (T - 1))
    weights[-1, 1] = strongest  # on "piano"
    body = weights.numpy().astype("<f4").tobytes()
    page.route("**/api/attention", lambda route: route.fulfill(body=body, content_type="application/octet-stream"))
    write(page, LONG)
    settle(page, "attention")
    is_even = strongest * T < 2
    words = f"spreads evenly over {T} tokens" if is_even else "looks at “piano”"
    until(page, f"document.getElementById('looks-at').textContent.includes({words!r})")
    assert is_even == (strongest < 0.035)
    assert (
        len(
            re.findall(
                r"“[^”]+” \d+(?:\.\d)? %", said(page, "looks-at").partition("looks at" if not is_even else "tokens")[2]
            )
        )
        == 4
    )
    assert ("“piano” 50 %" if strongest == 0.5 else f"“piano” {100 * strongest:.1f} %") in said(page, "looks-at")


def test_the_cell_under_the_pointer_is_told(page: Any, served_model: GPT) -> None:
    settle(page, "attention")
    until(page, "document.getElementById('looks-at').textContent.startsWith('“the”')")
    page.locator("#large-map").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = page.locator("#large-map").bounding_box()
    # The map ends six pixels before the canvas does.
    cell = 20

    def point(right: float, below: float) -> None:
        page.mouse.move(box["x"] + box["width"] - 6 - right, box["y"] + box["height"] - 6 - below)

    point(cell, box["height"] * 0.6)
    until(page, "/cannot see “the”: it comes later/.test(document.getElementById('looks-at').textContent)")
    point(cell, cell / 2)
    until(page, "document.getElementById('looks-at').textContent.startsWith('“the” looks at itself with')")
    own = trace(served_model, IDS)["h.0.attn.weights"][0, 0, -1, -1]
    shown = float(re.search(r"(\d+(\.\d)?) %", said(page, "looks-at"))[1])
    assert shown == pytest.approx(100 * float(own), abs=0.51)
    page.mouse.move(0, 0)
    until(page, "!document.getElementById('looks-at').textContent.includes('of its attention')")
    assert page.locator("#looks-at").bounding_box()["y"] > 0
    assert box["y"] - page.locator("#looks-at").bounding_box()["y"] < 110  # right above the map


def first_product(page: Any) -> str:
    return page.locator("#worked tbody tr").first.locator("td").first.text_content()


def test_attention_is_worked_with_numbers(page: Any, served_model: GPT) -> None:
    settle(page, "attention")
    page.locator(".map").nth(3).click()
    until(page, "document.getElementById('head-name').textContent === 'Layer 1, head 1'")
    traced = trace(served_model, IDS)
    scores = plain.attention_scores(traced["h.1.attn.q"], traced["h.1.attn.k"])[0, 1]  # (6, 6)
    for position in (5, 2):
        page.locator("#looking .token").nth(position).hover()
        word = TOKENIZER.decode([IDS[position]]).strip()
        until(page, f"document.getElementById('worked-words').textContent.startsWith('The query of “{word}”')")
        own = scores[position, : position + 1].double()
        # The words may be those of the head before, whose numbers are there until this one's are.
        wait_for(page, lambda own=own: number(first_product(page)) == pytest.approx(4 * own.max().item(), abs=0.006))
        rows = [row.locator("td").all_text_contents() for row in page.locator("#worked tbody tr").all()]
        for row, score in zip(rows, own.sort(descending=True).values.tolist(), strict=False):
            product, divided, power, share = row
            assert number(product) == pytest.approx(score * 4, abs=0.006 if abs(score) < 25 else 0.6)  # D = 16
            assert number(divided) == pytest.approx(score, abs=0.006)
            assert number_of(power) == pytest.approx(math.exp(score), rel=0.06)
            assert share.startswith("<") or float(share[:-2]) == pytest.approx(
                100 * math.exp(score) / float(own.exp().sum()), abs=0.51
            )
        assert sum(bool(row[0].strip()) for row in rows) == position + 1
        assert number_of(rows[-1][2]) == pytest.approx(float(own.exp().sum()), rel=0.06)
        assert rows[-1][3] == "100 %"
    write(page, LONG)
    until(page, "/\\d+ others/.test(document.getElementById('worked').textContent)")
    shares = [row.locator("td").last.text_content() for row in page.locator("#worked tbody tr").all()[:7]]
    assert sum(float(share.strip("< %")) for share in shares) == pytest.approx(100, abs=3)


def test_heads_are_found_by_what_they_look_at(page: Any, served_model: GPT) -> None:
    write(page, LONG)
    ids = TOKENIZER.encode(LONG)
    settle(page, "attention")
    traced = trace(served_model, ids)
    shares = torch.cat([patterns(traced[f"h.{layer}.attn.weights"][0], ids) for layer in range(3)])  # (6, 4)
    until(page, "document.getElementById('head-pattern').textContent.includes('%')")
    for pattern in range(4):
        page.select_option("#pattern", str(pattern))
        best = int(shares[:, pattern].argmax())
        many = int((shares[:, pattern] >= 0.5).sum())
        assert f"{many} of 6 heads" in said(page, "pattern-said")
        assert f"layer {best // 2}, head {best % 2}" in said(page, "pattern-said")
        fits = page.locator(".map").evaluate_all("all => all.map(e => Number(e.style.getPropertyValue('--fit')))")
        assert fits == pytest.approx((shares[:, pattern] / shares[best, pattern]).tolist(), abs=0.001)
        page.click("#strongest-head")
        until(page, f"document.getElementById('head-name').textContent === 'Layer {best // 2}, head {best % 2}'")
    write(page, BEGINNING)
    until(page, "document.getElementById('pattern-said').textContent.startsWith('No token of this text')")
    assert page.locator("#strongest-head").is_disabled()


def test_from_a_head_to_its_part_and_back(page: Any) -> None:
    settle(page, "attention")
    page.locator(".map").nth(4).click()
    page.click("#to-its-part")
    assert page.evaluate("document.activeElement.className").startswith("part")
    until(page, "/layer 2, head 0 (adds|takes away) \\d/.test(document.getElementById('part-said').textContent)")
    page.keyboard.press("ArrowRight")
    page.click("#to-its-map")
    until(page, "document.getElementById('head-name').textContent === 'Layer 2, head 1'")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.locator(".part.mlp").first.focus()
    assert page.locator("#to-its-map").is_disabled()


def test_layers_underline_what_the_last_one_says(page: Any) -> None:
    said_by = [[(262, 257)[(layer + position) % 2 and layer < 3] for position in range(6)] for layer in range(4)]
    cells = [[[{"id": id, "p": 0.5}] * 3 for id in row] for row in said_by]
    answer = {"layers": 4, "first": 0, "cells": cells}
    page.route("**/api/logit_lens", lambda route: route.fulfill(json=answer))
    write(page, BEGINNING + "re")
    write(page, BEGINNING)
    settle(page, "lens")
    page.wait_for_selector("#lens-table td:not(.empty)")
    rows = [row.locator("td").all() for row in page.locator("#lens-table tbody tr").all()]
    for row in rows[:-1]:
        for cell, last in zip(row, rows[-1], strict=True):
            underlined = "underline" in cell.evaluate("e => getComputedStyle(e).textDecorationLine")
            assert underlined == (cell.text_content() == last.text_content())
    assert sum(cell.text_content() == "␣the" for row in rows[:-1] for cell in row) == 9
    rows[0][-1].click()  # the followed column keeps its lines
    until(page, "document.querySelectorAll('td.followed').length === 4")


def test_what_is_filled_moves_nothing(open_page: Callable[..., Any]) -> None:
    page = open_page()
    heights = "[...document.querySelectorAll('.panels > section')].map(e => [e.id, e.offsetHeight])"
    kept = ("attention", "lens", "parts")
    before = dict(page.evaluate(heights))
    for section in kept:
        settle(page, section)
    page.wait_for_selector("#lens-table td:not(.empty)")
    page.wait_for_selector(".outcome")
    until(page, "document.getElementById('worked-words').textContent !== ''")
    after = dict(page.evaluate(heights))
    # The attention's tokens are a text, whose lines nobody knows before; the others keep their height.
    assert {id: after[id] - before[id] for id in ("lens", "parts")} == {"lens": 0, "parts": 0}
    assert abs(after["attention"] - before["attention"]) < 30


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_letters_stand_out_from_what_colours_them(open_page: Callable[..., Any], theme: str) -> None:
    page = open_page(color_scheme=theme)
    for section in ("attention", "lens", "parts"):
        settle(page, section)
    page.wait_for_selector("#lens-table td:not(.empty)")
    page.wait_for_selector(".outcome")
    contrasts = page.evaluate(CONTRASTS)
    del contrasts["a part, marks"]  # there are none
    assert len(contrasts) == 7
    for name, contrast in contrasts.items():
        assert contrast >= 4.5, (name, contrast)


# The strongest colour that each kind of cell can have, and its letters and marks.
CONTRASTS = """() => {
    const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (...colours) => {
        for (const colour of colours) { brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1); }
        return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const light = (colour) => colour.reduce((sum, c, i) => sum + linear(c / 255) * [0.2126, 0.7152, 0.0722][i], 0);
    const found = {};
    const look = (name, cell, variable) => {
        cell.style.transition = "none";
        cell.style.setProperty(variable, 1);
        const mark = document.createElement("span");
        mark.className = "mark";
        cell.append(mark);
        const card = getComputedStyle(document.getElementById("lens")).backgroundColor;
        const behind = light(rgb(card, getComputedStyle(cell).backgroundColor));
        for (const [kind, element] of [["letters", cell], ["marks", mark]]) {
            const before = light(rgb(getComputedStyle(element).color));
            found[`${name}, ${kind}`] = (Math.max(behind, before) + 0.05) / (Math.min(behind, before) + 0.05);
        }
    };
    look("a sure cell of the lens", document.querySelector("#lens-table td.followed"), "--sure");
    look("a surprising token", document.querySelector("#tokens .token"), "--heat");
    look("a token that is looked at", document.querySelector("#looking .token.chosen"), "--look");
    look("a part", document.querySelector(".part:not(.down)"), "--push");
    return found;
}"""


def test_the_sum_adds_up_to_the_last_digit(page: Any, served_model: GPT) -> None:
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    for place in (0, 3, 5):
        page.locator(".outcome").nth(place).click()
        settle(page, "parts")
        *shares, total = map(number, re.findall(r"[+−]?\d+\.\d\d", said(page, "parts-sum")))
        assert len(shares) == 4
        assert round(100 * sum(shares)) == round(100 * total)
    cells = page.locator(".part").evaluate_all("all => all.map(e => e.title)")
    token = int(served_model(torch.tensor([IDS]))[0, -1].argsort(descending=True, stable=True)[5])
    expected = direct_logit_attribution(served_model, IDS, token).values[1:-1]
    assert [number(title.split("adds ")[1]) for title in cells] == pytest.approx(expected.tolist(), abs=1e-3)


def test_rounded_numbers_add_up(page: Any) -> None:
    cases = [
        [[0.004, 0.004, 0.004, 0.004], 0.016],
        [[1.005, -1.005, 2.2249, 3.1], 5.3249],
        [[-0.004, -0.004, 0.0], -0.008],
    ]
    found = page.evaluate(
        "async cases => { const { addingUp } = await import('/parts.js'); return cases.map(c => addingUp(...c)); }",
        cases,
    )
    for (parts, total), (shown, whole) in zip(cases, found, strict=True):
        assert sum(shown) == whole == pytest.approx(100 * total, abs=0.5)
        assert all(abs(one - 100 * part) <= 1 for one, part in zip(shown, parts, strict=True))


def test_what_comes_of_a_part_is_seen_where_it_is_pressed(open_page: Callable[..., Any]) -> None:
    page = open_page(1440, 900)
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    page.locator(".part").last.click()
    until(page, "document.getElementById('knocked').textContent.startsWith('Without that part')")
    for id in ("knocked", "before-after", "part-said"):
        box = page.locator(f"#{id}").bounding_box()
        assert box["y"] > 0
        assert box["y"] + box["height"] < 900


@pytest.mark.parametrize("width", [390, 1440])
def test_all_parts_of_a_real_model_fit_beside_each_other(open_page: Callable[..., Any], url: str, width: int) -> None:
    page = open_page(width, at="about:blank", complain=False)
    shape = {"n_vocab": 50257, "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12}
    page.route(
        "**/api/model", lambda route: route.fulfill(json={"name": "x", "n_params": 1, "config": shape, "run": False})
    )
    heads = [[0.0123 * (layer - head) for head in range(12)] for layer in range(12)]
    added = {"embed": 0.5, "heads": heads, "mlps": [-12.5] * 12, "rest": 0.1}
    page.route("**/api/contributions", lambda route: route.fulfill(json=added))
    page.goto(url)
    page.wait_for_selector(".candidate:not([disabled])")
    page.locator("#parts").scroll_into_view_if_needed()
    until(page, "document.querySelector('.part.mlp')?.title === 'layer 0, MLP adds −12.5000'")
    assert page.locator(".part").count() == 12 * 13
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#parts .scroll'))")
    assert page.evaluate("[...document.querySelectorAll('.part')].every(e => e.scrollWidth <= e.clientWidth)")
    letters = page.locator(".part").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert letters == 0 if width == 390 else letters > 10


def test_the_next_word_can_be_asked_of_what_is_left(page: Any, served_model: GPT) -> None:
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    whole = page.locator(".candidate .score").all_text_contents()
    page.locator(".part.mlp").nth(1).click()
    page.check("#use-off")
    page.locator(".part").nth(0).click()
    page.wait_for_selector("#next-without:visible")
    assert "layer 1, MLP; layer 0, head 0" in said(page, "next-without")

    def shown(ids: list[int]) -> None:
        logits = ablate(served_model, ids, heads=[(0, 0)], mlps=[1]).logits[0, -1]
        best = [f"{value:.1f}".replace("-", "−") for value in logits.topk(3).values.tolist()]
        until(
            page,
            "[...document.querySelectorAll('.candidate .score')].slice(0, 3).map(e => e.textContent).join()"
            f" === {','.join(best)!r}",
        )

    shown(IDS)
    page.locator(".candidate").first.click()
    best = int(ablate(served_model, IDS, heads=[(0, 0)], mlps=[1]).logits[0, -1].argmax())
    shown([*IDS, best])
    write(page, BEGINNING)
    page.click("#next-all-on")
    until(
        page,
        f"[...document.querySelectorAll('.candidate .score')].map(e => e.textContent).join() === {','.join(whole)!r}",
    )
    assert page.locator("#next-without").is_hidden()
    assert not page.is_checked("#use-off")
    assert page.locator(".part[aria-pressed=true]").count() == 2
