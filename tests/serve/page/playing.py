"""Waiting for the page."""

import time
from typing import Any


def until(page: Any, true: str, seconds: float = 15.0) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own wait_for_function evaluates text inside the page, which the page's rules forbid.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < end, f"never came true: {true}"
        page.wait_for_timeout(50)
