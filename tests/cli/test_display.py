"""What is shown of a run, and that nobody who looks is needed."""

import errno
import io
import math
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from nextword.cli.display import Display, introduction
from nextword.cli.durations import duration
from nextword.model import CONFIGS
from nextword.train.config import TrainConfig
from nextword.train.events import Compiling, Saved, Started, Stepped, Validated, Warned
from nextword.train.plan import plan

PLAN = replace(plan(TrainConfig(), CONFIGS["gpt2"], 6063), steps=20_000)
STARTED = Started(Path("runs/my"), 0, PLAN, "my", 124_439_808, 50257, 6_063, 674, 512, "bfloat16", "cpu", 80.0)


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


def test_the_first_two_lines_tell_what_was_chosen_why_and_how_long_it_takes() -> None:
    assert introduction(replace(STARTED, plan=replace(PLAN, steps=141))) == (
        "Training 124,439,808 parameters on my (6,063 tokens to learn from, 674 to validate on), "
        "short enough to learn by heart: 12 passes, about 80 seconds\n"
        "141 steps of 512 tokens, learning rate 0.00015 falling at the end to 1.5e-05 (wsd), dropout 0, "
        "embeddings drawn at 0.04 instead of GPT-2's 0.02 to be told apart sooner, bfloat16 on cpu, into runs/my"
    )
    longer = plan(TrainConfig(steps=1000), CONFIGS["gpt2"], 1_000_000)
    told = introduction(replace(STARTED, plan=longer, n_train_tokens=1_000_000, tokens_per_step=1024))
    assert "too long to learn by heart: 1.0 passes, about 80 seconds" in told
    assert "learning rate 0.0003 falling to 3e-05 (cosine), dropout 0.1, bfloat16" in told


def test_a_shape_of_ones_own_is_told_below() -> None:
    told = io.StringIO()
    Display(Console(file=told, width=200)).show(replace(STARTED, shape="10M parameters: 6 blocks"))
    assert told.getvalue().splitlines()[2] == "10M parameters: 6 blocks"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"),
        (89, "89 seconds"),
        (100, "2 minutes"),
        (5399, "90 minutes"),
        (5400, "2 hours"),
        (86_400, "24 hours"),
        (200_000, "2 days"),
    ],
)
def test_a_duration_is_told_in_the_unit_one_would_use(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_no_perplexity_is_wider_than_the_line() -> None:
    told = io.StringIO()
    display = Display(Console(file=told, width=200))
    for event in (STARTED, Validated(1, 92.1, math.exp(92.1), False), Stepped(20_000, 1, 92.1, 1e-3, 1.0, 790.0, 0)):
        display.show(event)
    assert told.getvalue().count("perplexity 1.0e+40") == 2
