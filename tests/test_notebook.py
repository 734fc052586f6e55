"""A training watched from a notebook: what stands in its one place, and what an interrupt does."""

import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nextword import notebook
from nextword.notebook import watch
from nextword.train import TrainConfig, Trainer
from nextword.train.trainer import Steps

TEXT = "The <b>nine</b> people on the ferry had a goat with them, and it left at seven. " * 12


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    (tmp_path / "ferry.txt").write_text(TEXT)
    return TrainConfig(
        data=(tmp_path / "ferry.txt",),
        out=tmp_path / "run",
        tokenizer="chars",
        n_layer=1,
        n_head=1,
        n_embd=8,
        n_ctx=16,
        window=16,
        steps=4,
        eval_every=2,
        device="cpu",
    )


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out long samples, and the picture that a run itself keeps: those of the notebook are drawn."""
    monkeypatch.setattr("nextword.train.trainer.plot_loss", lambda *arguments: None)
    monkeypatch.setattr("nextword.train.trainer.SAMPLE_TOKENS", 8)


class Place:
    """What IPython's display gives back: the one place, with all that stood in it one after the other."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.made = 0

    def display(self, shown: dict[str, str], raw: bool, display_id: bool) -> "Place":
        assert raw
        assert display_id
        self.made += 1
        self.update(shown, raw)
        return self

    def update(self, shown: dict[str, str], raw: bool) -> None:
        assert raw
        self.shown.append(shown)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Let this be a notebook."""
    place = Place()
    display, ipython = ModuleType("IPython.display"), ModuleType("IPython")
    display.display = place.display  # type: ignore[attr-defined]
    ipython.version_info = (9, 0)  # type: ignore[attr-defined]  # matplotlib asks for it
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(notebook, "QUIET_SECONDS", 1e9)
    return place


def interrupting(monkeypatch: pytest.MonkeyPatch, step: int, times: int = 1) -> None:
    """Let the cell be interrupted as this step is computed."""
    launch, so_far = Steps.launch, [0]

    def interrupted(self: Steps) -> Any:
        so_far[0] += 1
        if so_far[0] == step:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return launch(self)

    monkeypatch.setattr(Steps, "launch", interrupted)


def test_a_run_is_shown_in_one_place_from_its_beginning_to_its_end(config: TrainConfig, place: Place) -> None:
    watch(Trainer(config))
    assert place.made == 1
    pictures = [shown["text/html"].partition("base64,")[2].partition('"')[0] for shown in place.shown]
    assert len({*pictures} - {""}) == 3, "before the first step, and at steps 2 and 4"
    last = place.shown[-1]["text/html"]
    assert "step 4 of 4, loss " in last
    assert "last validation" in last
    assert "holds the last weights" in last
    assert "&lt;b&gt;" in last, "the sample's prompt, escaped"
    assert "<b>nine" not in last
    text = place.shown[-1]["text/plain"]
    assert "step 4 of 4" in text
    assert "<p>" not in text


def test_little_is_sent_between_validations(config: TrainConfig, place: Place) -> None:
    watch(Trainer(replace(config, steps=40, eval_every=20, sample_every=20)))
    assert len(place.shown) < 15


def test_an_interrupt_ends_the_run_after_its_step_and_says_how_to_go_on(
    config: TrainConfig, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patched:
        interrupting(patched, step=3)
        watch(Trainer(config))
    said = place.shown[-1]["text/plain"]
    assert "Stopped at step 3, and saved in" in said
    assert "watch(Trainer(config, resume=True))" in said
    assert signal.getsignal(signal.SIGINT) is before
    watch(Trainer(config, resume=True))
    assert place.made == 2
    assert "base64," in place.shown[-1]["text/html"]
    assert "holds the last weights" in place.shown[-1]["text/plain"]


def test_a_second_interrupt_ends_it_at_once(config: TrainConfig, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupting(patched, step=2, times=2)
        watch(Trainer(config))
    assert "Stopped at once, in step 2." in place.shown[-1]["text/plain"]
    watch(Trainer(config, overwrite=True))  # whose lock is free
    assert "holds the last weights" in place.shown[-1]["text/plain"]


def test_without_a_notebook_lines_are_printed(config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    watch(Trainer(config))
    said = " ".join(capsys.readouterr().out.split())
    assert "validation loss" in said
    assert "holds the last weights" in said
    assert "<p>" not in said


def test_a_shell_of_ipython_in_a_terminal_is_no_notebook(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert notebook.in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    assert not notebook.in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    assert not notebook.in_notebook()


def test_it_runs_in_a_thread_as_well(config: TrainConfig, place: Place) -> None:
    thread = threading.Thread(target=watch, args=(Trainer(config),))
    thread.start()
    thread.join()
    assert "holds the last weights" in place.shown[-1]["text/plain"]


def test_errors_are_the_trainer_s_own(config: TrainConfig, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Steps, "launch", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watch(Trainer(config))
    assert signal.getsignal(signal.SIGINT) is before
