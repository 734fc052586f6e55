"""Waiting for the page."""

import time
from collections.abc import Callable
from typing import Any


def until(page: Any, true: str, seconds: float = 15.0) -> None:
    """Wait until a JavaScript expression is true.

    Playwright's own wait_for_function evaluates text inside the page, which the page's rules forbid.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < end, f"never came true: {true}"
        page.wait_for_timeout(50)


def wait_for(page: Any, true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something outside the page is true, while the page goes on."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        page.wait_for_timeout(50)
