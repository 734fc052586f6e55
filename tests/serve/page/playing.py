"""What one does on the page, and waits for."""

import json
import time
from collections.abc import Callable
from typing import Any


def until(page: Any, true: str, seconds: float = 15.0) -> None:
    """Wait until a JavaScript expression is true.

    The page itself looks, again and again, which costs a fraction of asking it from here each time. Playwright's own
    wait_for_function would evaluate text inside the page, which the page's rules forbid.
    """
    from playwright.sync_api import Error  # here, since without it the page's tests are left out

    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            if page.evaluate(LOOK_UNTIL.replace("TRUE", true), 1000 * min(left, 1.0)):
                return
        except Error as error:  # Another page came while one waited: it is that one which is waited for.
            if "context was destroyed" not in str(error) and "navigation" not in str(error):
                raise
    raise AssertionError(f"never came true: {true}")


LOOK_UNTIL = """(patience) => new Promise((tell, fail) => {
    const end = performance.now() + patience;
    const look = () => {
        try {
            if (TRUE) tell(true);
            else if (performance.now() < end) setTimeout(look, 20);
            else tell(false);
        } catch (error) {
            fail(error);
        }
    };
    look();
})"""


def wait_for(page: Any, true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something outside the page is true, while the page goes on."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        page.wait_for_timeout(50)


def texts(page: Any, selector: str) -> list[str]:
    return page.locator(selector).all_text_contents()


def settle(page: Any, section: str) -> None:
    """Bring a panel into sight and wait until it has drawn."""
    page.locator(f"#{section}").scroll_into_view_if_needed()
    page.wait_for_timeout(250)
    until(page, f"!document.getElementById('{section}').hasAttribute('aria-busy')")


def slide(page: Any, id: str, value: float) -> None:
    page.locator(f"#{id}").evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})); }", value
    )


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
