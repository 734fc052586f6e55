"""A real browser before a real server: Chromium, headless, on a run directory that `nextword serve` serves."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import randomize
from serve.page.playing import until

from nextword.model import GPT, GPTConfig
from nextword.train.run_directory import RunDirectory
from nextword.weights import save_huggingface

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)  # the first has no windows, which saves time
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BEGINNING = "The piano came down to the"
TEXT_OF_THE_RUN = [464, 19132, 1625, 866, 284, 262, 26450]  # "The piano came down to the ferry"
SERVED = GPTConfig(n_ctx=64, n_embd=32, n_head=2, n_layer=3)


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of 12 steps leaves behind, its numbers made up; its heads looked at twice."""
    path = tmp_path_factory.mktemp("runs") / "story"
    run = RunDirectory.create(path, {"config": {}})
    for step in range(13):
        run.log(
            step=step, train_loss=11 - step / 2 if step else None, val_loss=11 - step / 4 if step % 4 == 0 else None
        )
    run.add_sample(4, "The piano", " was a was.")
    run.add_sample(12, "The piano", " came down\nto the ferry.")
    for step in (6, 12):
        model = GPT(SERVED).eval()
        randomize(model, seed=step)
        for weight in model.parameters():
            weight.data *= 0.5  # chances that are neither all alike nor all one token's
        run.attention.add(step, model, torch.tensor(TEXT_OF_THE_RUN))
    save_huggingface(model, path)
    run.release()
    return path


@pytest.fixture(scope="session")
def url(run_directory: Path, serve: Callable[..., Any]) -> Iterator[str]:
    """Where the page is. NEXTWORD_PAGE names a server that runs already, to try the page's tests on that."""
    if running := os.environ.get("NEXTWORD_PAGE"):
        yield running
        return
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        pytest.skip("fastapi and uvicorn (extra: serve) are not installed")
    with serve(run_directory) as served:
        yield served.url


@pytest.fixture(scope="module")  # while it is open, its event loop keeps asyncio.run from working
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a file."""
    if CHROMIUM is None:
        pytest.skip("the page is tested in Chromium, which is not installed here (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright (extra: test) is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open the page in a window of a size and a theme, ready to be played with; at another address it may not be.

    below: "/heads/" for the page of the small model that comes with nextword.

    What the browser complains of fails the test.
    """
    contexts = []
    complaints: list[str] = []

    def opened(
        width: int = 1440,
        height: int = 900,
        at: str | None = None,
        complain: bool = True,
        below: str = "",
        **options: Any,
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, **{"reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if complain:
            page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(at or request.getfixturevalue("url") + below)
        if at is not None:
            return page
        page.wait_for_selector(".candidate:not([disabled])")
        # Until the vocabulary is there, a token of the list is a mark only.
        until(page, "document.querySelector('.candidate .word').textContent !== '…'")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page()


@pytest.fixture(scope="session")
def served_model(run_directory: Path) -> GPT:
    from nextword.weights import load_model

    with torch.no_grad():
        return load_model(run_directory)
