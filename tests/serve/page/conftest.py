"""A real browser before a real server: Chromium, headless, on a run directory that `nextword serve` serves."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import SimpleNamespace
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


@contextmanager
def serving(directory: Path, *flags: str) -> Iterator[SimpleNamespace]:
    """All that `nextword serve` does, in a thread, since a process of its own would import PyTorch once more: `url`."""
    import uvicorn

    from nextword.cli.serve import run
    from nextword.serve import server

    begun: SimpleQueue[Any] = SimpleQueue()

    def serve(app: Any, bound: socket.socket, drain_seconds: int, ready: Callable[[], object]) -> None:
        """Serve until told to end, without the signals that only a process has."""
        configured = uvicorn.Config(
            app, http=server.PunctualProtocol, ws="none", log_level="warning", timeout_graceful_shutdown=1
        )
        running = server.Server(configured, lambda: begun.put((running, bound.getsockname()[1])))
        running.run(sockets=[bound])

    def begin() -> None:
        try:
            run(["--model", str(directory), "--name", "small", "--port", "0", "--device", "cpu", *flags])
        except BaseException as error:
            begun.put(error)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "run", serve)
        thread = Thread(target=begin, name="served to the page", daemon=True)
        thread.start()
        found = begun.get(timeout=60)
    if isinstance(found, BaseException):
        raise found
    running, port = found
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}")
    finally:
        running.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the server did not end"


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        pytest.skip("fastapi and uvicorn (extra: serve) are not installed")
    return serving


@pytest.fixture(scope="package")
def url(run_directory: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the page is. NEXTWORD_PAGE names a server that runs already, to try the page's tests on that."""
    if running := os.environ.get("NEXTWORD_PAGE"):
        yield running
        return
    with request.getfixturevalue("serve")(run_directory) as served:
        yield served.url


@contextmanager
def chromium() -> Iterator[Any]:
    """Lend a Chromium. While it is open, Playwright's event loop keeps asyncio.run from working."""
    if CHROMIUM is None:
        pytest.skip("the page is tested in Chromium, which is not installed here (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright (extra: test) is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of this folder that follow each other."""
    with chromium() as started:
        yield started


class Window:
    """A window that tests have one after another, each a page that was loaded anew.

    Loading in the same window takes two thirds of what it takes in a new one, which has a process to start and nothing
    at hand of what it read before.
    """

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.page: Any = None
        self.in_use = False

    def enter(self) -> Any:
        self.in_use = True
        if self.page is None or self.page.is_closed():
            self.page = self.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        return self.page

    def leave(self, url: str) -> None:
        """Unload the page, and forget what it stored."""
        self.in_use = False
        if self.page.is_closed():
            self.page.context.close()
            return
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.goto(f"{url}/icon.svg")  # nearly nothing, from the same server and so in the same process
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.page.mouse.move(0, 0)


@pytest.fixture(scope="package")
def window(browser: Any) -> Window:
    return Window(browser)


@pytest.fixture
def open_page(browser: Any, window: Window, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open the page in a window of a size and a theme, ready to be played with; at another address it may not be.

    below: "/heads/" for the page of the small model that comes with nextword.
    anew: in a window that has shown nothing before, as has a second page, or one of another server.

    What the browser complains of fails the test.
    """
    contexts = []
    complaints: list[str] = []
    heard: list[tuple[Any, str, Callable[[Any], None]]] = []

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def went_wrong(error: Any) -> None:
        complaints.append(str(error))

    def opened(
        width: int = 1440,
        height: int = 900,
        at: str | None = None,
        complain: bool = True,
        below: str = "",
        anew: bool = False,
        **options: Any,
    ) -> Any:
        url = request.getfixturevalue("url")
        media = {"reduced_motion": "reduce", **options}
        if anew or window.in_use or not (at or url).startswith((url, "about:blank")):
            contexts.append(browser.new_context(viewport={"width": width, "height": height}, **media))
            page = contexts[-1].new_page()
        else:
            page = window.enter()
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(**{"color_scheme": "light", **media})
        page.set_default_timeout(15_000)
        if complain:
            for kind, listener in (("console", said), ("pageerror", went_wrong)):
                page.on(kind, listener)
                heard.append((page, kind, listener))
        if at == "about:blank":
            return page
        page.goto(at or url + below)
        if at is not None:
            return page
        page.wait_for_selector(".candidate:not([disabled])")
        # Until the vocabulary is there, a token of the list is a mark only.
        until(page, "document.querySelector('.candidate .word').textContent !== '…'")
        return page

    yield opened
    for context in contexts:
        context.close()
    if window.in_use:
        window.leave(request.getfixturevalue("url"))
    for page, kind, listener in heard:
        page.remove_listener(kind, listener)
    assert not complaints, complaints


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    return open_page()


@pytest.fixture(scope="session")
def served_model(run_directory: Path) -> GPT:
    from nextword.weights import load_model

    with torch.no_grad():
        return load_model(run_directory)
