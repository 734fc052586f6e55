"""The page behind a proxy that shows it under a path of its own, as JupyterHub does."""

from typing import Any

from serve.page.playing import take, until, until_tokens

PREFIX = "/user/ada/proxy/8000"


def test_everything_is_asked_for_below_the_pages_own_path(browser: Any, url: str) -> None:
    context = browser.new_context(reduced_motion="reduce")
    beside: list[str] = []

    def proxy(route: Any) -> None:
        path = route.request.url.removeprefix(url)
        if not path.startswith(f"{PREFIX}/"):
            beside.append(path)
        route.continue_(url=url + path.removeprefix(PREFIX))

    context.route("**/*", proxy)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{url}{PREFIX}/")
    page.wait_for_selector(".candidate:not([disabled])")
    until(page, "document.querySelector('.candidate .word').textContent !== '…'")
    n = page.locator("#tokens .token").count()
    take(page)
    until_tokens(page, n + 1)
    for panel in ("attention", "training"):
        page.locator(f"#{panel}").scroll_into_view_if_needed()
        until(page, f"!document.getElementById('{panel}').hasAttribute('aria-busy')")
    page.wait_for_timeout(300)
    context.close()
    assert beside == []
