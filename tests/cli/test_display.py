"""What is shown of a run, and that nobody who looks is needed."""

import errno
import io
import os
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from nextword.cli.display import Display
from nextword.train.config import Plan
from nextword.train.events import Compiling, Saved, Started, Stepped, Validated, Warned

PLAN = Plan(steps=20_000, lr=1e-3, warmup=10, eval_every=10, sample_every=10, save_every=None)
STARTED = Started(Path("runs/my"), 0, PLAN, "my", 124_439_808, 50257, 6_063, 674, 512, "bfloat16", "cpu")


@pytest.mark.parametrize(
    ("width", "numbers"),
    [
        (120, "loss 0.690  perplexity 2.0  last validation 6.102  790 tokens/s  1:00:39 left"),
        (86, "loss 0.690  last validation 6.102  790 tokens/s  1:00:39 left"),
        (80, "loss 0.690  790 tokens/s  1:00:39 left"),
        (40, "loss 0.690"),
    ],
)
def test_the_live_line_shows_the_step_whole_and_what_it_has_room_for(width: int, numbers: str) -> None:
    screen = io.StringIO()
    with Display(Console(file=screen, width=width, force_terminal=True, color_system=None, _environ={})) as display:
        for event in (STARTED, Validated(0, 6.102, 446.7, True), Stepped(14_800, 1, 0.69, 1e-3, 1.0, 790.0, 3639.0)):
            display.show(event)
    lines = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line).strip() for line in re.split(r"[\r\n]+", screen.getvalue())]
    (live,) = {line for line in lines if line.startswith("step 14800")}
    _, step, bar, shown = live.split(maxsplit=3)
    assert step == "14800/20000"
    assert set(bar) <= set("━╸╺")
    assert shown == numbers
    assert len(live) <= width


def test_where_there_is_no_terminal_all_numbers_are_told() -> None:
    told = io.StringIO()
    display = Display(Console(file=told, width=40))
    for event in (STARTED, Stepped(20_000, 1, 0.69, 1e-3, 1.0, 790.0, 0)):
        display.show(event)
    assert told.getvalue().endswith("step 20000   loss 0.690  perplexity 2.0  790 tokens/s  0:00 left\n")


def test_what_is_said_of_compiling() -> None:
    said = Console(file=io.StringIO(), width=200)
    for saves in (600.0, None):
        Display(said).show(Compiling(10, 60.0, saves))
    lines = said.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.strip() for line in lines] == [
        "Compiling, about 1:00 minutes; that saves 10:00 in all.",
        "Compiling, about 1:00 minutes; as before.",
    ]


class Failing(io.StringIO):
    """An output that takes two lines, and then no more."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        if self.getvalue().count("\n") >= 2:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EIO, os.strerror(errno.EIO)),
        ValueError("I/O operation on closed file."),
    ],
    ids=["pipe", "full", "terminal", "closed"],
)
@pytest.mark.parametrize("terminal", [False, True])
def test_an_output_that_is_gone_ends_nothing(
    error: Exception, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # rich puts an end to our own standard output otherwise
    monkeypatch.setattr(sys.stdout, "fileno", lambda: -1, raising=False)
    output = Failing(error)
    with Display(Console(file=output, width=80, force_terminal=terminal)) as display:
        for step in range(5):
            display.show(Saved(step, Path("run")))
    assert output.getvalue().count("saved run") == 2
    assert capsys.readouterr().err == (
        f"nextword: nothing can be shown any more ({error}), and training goes on without that; "
        "log.jsonl tells of each step. Ctrl-C saves and stops.\n"
    )


def test_what_a_signal_cannot_say_at_this_moment_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display(Console(file=io.StringIO()))
    with monkeypatch.context() as patch:
        patch.setattr(display.console, "print", lambda *_, **__: exec("raise RuntimeError('reentrant call')"))
        display.say("Finishing this step")
    display.show(Warned(1, "still there"))
    assert "still there" in display.console.file.getvalue()  # type: ignore[attr-defined]
