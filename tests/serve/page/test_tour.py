"""Each stop of the tour shows what it says, on the small model that comes with nextword."""

import re
from collections.abc import Callable
from typing import Any

from serve.page.playing import settle, slide, texts, until, until_quiet

HEATS = "[...document.querySelectorAll('#tokens .token')].map(e => Number(e.style.getPropertyValue('--heat')))"


def go_on(page: Any, title: str) -> None:
    page.click("#tour-on")
    until(page, f"document.getElementById('tour-title').textContent === {title!r}")
    until(page, "!document.getElementById('draw').disabled")


def chance(page: Any) -> float:
    """Of the likeliest, in per cent."""
    return float(page.locator(".candidate .chance").first.text_content().split()[0])


def test_each_stop_shows_what_it_says(open_page: Callable[..., Any], url: str) -> None:
    page = open_page()
    page.fill("#prompt", "What I had typed")
    page.click("#tour-button")  # leads to the small model's page
    page.wait_for_url("**/heads/#tour=1")
    page.wait_for_selector("#tour:visible")
    until(page, "document.getElementById('tokens').textContent === 'Mr Alder met Mrs Quillfeather at the bridge.'")
    assert texts(page, "#tokens .token")[5:9] == [" Qu", "ill", "fe", "ather"]

    go_on(page, "Every token gets a score")
    until(page, "document.getElementById('tokens').textContent.endsWith('gave Lady Penrow a')")
    until(page, "!document.getElementById('draw').disabled")
    shares = [float(one.split()[0]) for one in texts(page, ".candidate .before") if "<" not in one]
    assert sum(share > 2 for share in shares) >= 5  # many would fit

    go_on(page, "Scores become chances")
    slide(page, "temperature", 2)
    flat = chance(page)
    slide(page, "temperature", 0.2)
    assert chance(page) > 1.5 * flat

    go_on(page, "The tail is cut off")
    page.click("#reset")
    slide(page, "top-p", 0.5)
    left = int(page.locator("#rest").text_content().split()[0])
    assert 2 <= left < 40

    go_on(page, "One token is drawn, and all begins again")
    page.click("#reset")
    drawn = set()
    for _ in range(12):
        page.click("#draw")
        drawn.add(page.locator("#take-drawn").text_content())
    assert len(drawn) >= 3

    go_on(page, "Surprise is what training lowers")
    until(page, "document.getElementById('tokens').textContent.endsWith('thanked Mrs')")
    until_quiet(page)
    tokens, heats = texts(page, "#tokens .token"), page.evaluate(HEATS)
    first, second = [place for place, token in enumerate(tokens) if token == " Qu"][:2]
    assert heats[first] > 0.5  # the name is warm when it is new,
    assert max(heats[second : second + 4]) < 0.3  # and pale when it comes again

    go_on(page, "Tokens look back at others")
    settle(page, "attention")
    for pattern in ("the token before", "what followed an earlier copy"):
        page.select_option("#pattern", label=pattern)
        until(page, "document.getElementById('pattern-said').textContent.includes('The strongest is')")
        said = page.locator("#pattern-said").text_content()
        assert int(re.search(r"(\d+) %", said)[1]) >= 50, said
    page.click("#strongest-head")
    page.locator("#looking .token").last.hover()
    until(page, "document.getElementById('looks-at').textContent.startsWith('“Mrs” looks at “Qu”')")

    go_on(page, "The answer grows layer by layer")
    settle(page, "lens")
    page.wait_for_selector("#lens-table td")
    column = [row.locator("td").last.text_content() for row in page.locator("#lens-table tbody tr").all()]
    assert column[0] != column[-1] == "␣Qu"

    go_on(page, "Every part has a share in it")
    settle(page, "parts")
    page.wait_for_selector(".outcome")
    part = page.locator(".part:not(.mlp)").evaluate_all(
        "all => all.map(e => Number(e.title.split(' adds ')[1].replace('−', '-')))"
    )
    most = max(range(len(part)), key=part.__getitem__)
    assert part[most] > 2 * sorted(part)[len(part) // 2] + 0.5  # the shares are anything but equal
    before = page.locator(".outcome .chance").first.text_content()
    page.locator(".part:not(.mlp)").nth(most).click()
    until(page, "document.getElementById('knocked').textContent.startsWith('Without that part')")
    was, now = re.findall(r"([\d.]+) %", page.locator(".outcome .chance").first.text_content())
    assert before.startswith(was)
    assert float(now) < 0.9 * float(was)

    go_on(page, "The numbers are learned")
    page.wait_for_selector("#loss path.train")
    until(page, "document.getElementById('sample').textContent.startsWith('Written after')")
    at_last = page.locator("#sample").text_content()
    slide(page, "run-step", 0)
    until(page, "document.getElementById('sample').textContent.includes('at step 0')")
    assert at_last.count(" Bartog") > page.locator("#sample").text_content().count(" Bartog")

    # The same stop on one's own model, and its text is not lost.
    page.click("#tour-elsewhere-link")
    page.wait_for_url(re.compile(f"{re.escape(url)}/#tour=10.*"))
    page.wait_for_selector("#tour:visible")
    assert page.locator("#tour-elsewhere-link").text_content() == "Shown best on heads"
