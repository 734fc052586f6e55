"""A training watched from a notebook: its losses as a plot, and below it the newest sample."""

import base64
import importlib
import io
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any

from nextword.cli.display import Display, clock, introduction, one_line
from nextword.evaluate import in_digits
from nextword.train import Trainer
from nextword.train.events import (
    Compiling,
    Event,
    Finished,
    Judged,
    Prolonged,
    Sampled,
    Saved,
    Started,
    Stepped,
    Validated,
    Warned,
)
from nextword.train.plot import draw_loss

__all__ = ["watch"]

QUIET_SECONDS = 2.0  # between two updates, where nothing has happened but steps


def watch(trainer: Trainer) -> None:
    """Run a training and show it in one place of the cell's output; return when it is over.

    The plot is drawn anew at each validation. Interrupting the cell ends the run after its step, with a
    checkpoint, and says how to go on; interrupting it once more ends it at once. Where there is no
    notebook, lines of text are printed instead. Raises as `Trainer.run` does.
    """
    board = Board() if in_notebook() else Lines()
    try:
        with stopping_on_interrupt(trainer):
            for event in trainer.run():
                board.show(event)
    except KeyboardInterrupt:
        board.end(
            f"Stopped at once, in step {trainer.step + 1}. What was saved last is as it was: "
            "watch(Trainer(config, resume=True)), with the same config, goes on from there. If nothing was "
            "saved yet, watch(Trainer(config, overwrite=True)) begins anew."
        )


class Board:
    """Show a run in a notebook, in one display, updated in place.

    It holds a plot, a line of numbers, the newest sample, remarks and the end. It works where IPython's displays do.
    """

    def __init__(self) -> None:
        self._log, self._n_vocab, self._steps = Path(), 0, 0
        self._introduction, self._picture, self._numbers, self._ending = "", "", "", ""
        self._validated: Validated | None = None
        self._sample: Sampled | None = None
        self._remarks: list[str] = []
        self._handle: Any = None
        self._updated_at = 0.0

    def show(self, event: Event) -> None:
        """Take up one event of a run, and show it if it is worth that."""
        match event:
            case Started():
                self._log, self._n_vocab, self._steps = event.directory / "log.jsonl", event.n_vocab, event.plan.steps
                self._introduction = introduction(event)
                if event.step:
                    self._draw()
            case Stepped():
                self._numbers = in_numbers(event, self._steps, self._validated)
                if event.step < self._steps and time.monotonic() - self._updated_at < QUIET_SECONDS:
                    return
            case Validated():
                self._validated = event
                if not self._numbers:
                    self._numbers = f"before the first step: validation loss {event.val_loss:.3f}"
                self._draw()
            case Sampled():
                self._sample = event
            case Compiling():
                self._numbers = f"step {event.step} of {self._steps}: compiling, about {clock(event.seconds)} minutes"
            case Warned():
                self._remarks.append(f"Warning: {event.message}")
            case Judged():
                self._remarks.append(judgement(event))
            case Finished():
                self._ending = ending(event)
            case Saved() | Prolonged():
                return
        self._update()

    def end(self, words: str) -> None:
        """Show an ending of other words than the trainer's."""
        self._ending = words
        self._update()

    def _draw(self) -> None:
        file = io.BytesIO()
        draw_loss(self._log, self._n_vocab).print_png(file)
        self._picture = base64.b64encode(file.getvalue()).decode("ascii")

    def _update(self) -> None:
        """Replace the display by the newest state."""
        self._updated_at = time.monotonic()
        shown = {"text/html": self._html(), "text/plain": self._text()}
        if self._handle is None:
            self._handle = importlib.import_module("IPython.display").display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)

    def _html(self) -> str:
        parts = [f"<p>{escape(self._introduction)}</p>"]
        if self._picture:
            alt = "training and validation loss at each step"
            parts.append(f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{self._picture}">')
        parts.append(f"<p>{escape(self._numbers)}</p>")
        if self._sample is not None:
            prompt, text = escape(self._sample.prompt), escape(self._sample.text)
            parts.append(f'<p style="white-space:pre-wrap"><b>{prompt}</b><i>{text}</i></p>')
        parts += [f"<p>{escape(remark)}</p>" for remark in self._remarks]
        parts.append(f"<p><b>{escape(self._ending)}</b></p>" if self._ending else "")
        return f"<div>{''.join(parts)}</div>"

    def _text(self) -> str:
        sample = one_line(self._sample.prompt + self._sample.text) if self._sample is not None else ""
        return "\n".join(filter(None, (self._introduction, self._numbers, sample, *self._remarks, self._ending)))


class Lines:
    """Print a run as lines of text, outside a notebook."""

    def __init__(self) -> None:
        self._display = Display()

    def show(self, event: Event) -> None:
        """Print one event of a run."""
        match event:
            case Warned():
                self._display.say(f"Warning: {event.message}")  # in Python's words, and not the command line's
            case Judged():
                self._display.say(judgement(event))
            case Finished():
                self.end(ending(event))
            case _:
                self._display.show(event)

    def end(self, words: str) -> None:
        """Print how the run ended."""
        self._display.say(words)


def in_numbers(step: Stepped, steps: int, validated: Validated | None) -> str:
    """Write a step's numbers in a line."""
    parts = [f"step {step.step} of {steps}", f"loss {step.train_loss:.3f}"]
    if validated is not None:
        parts.append(f"last validation {validated.val_loss:.3f} (perplexity {in_digits(validated.perplexity)})")
    parts.append(f"{step.tok_per_s:,.0f} tokens/s")
    return ", ".join([*parts, f"{clock(step.seconds_left)} left"] if step.step < steps else parts)


def judgement(event: Judged) -> str:
    """Say whether the losses are as is to be expected, as a warning if they are not."""
    return f"{'' if event.verdict.is_normal else 'Warning: '}{event.verdict}"


def ending(event: Finished) -> str:
    """Name the place of the weights, and the next call."""
    if event.complete:
        best = f"; {event.directory / 'best'} has those of step {event.best_step}, whose validation loss was lowest"
        return f"Done: {event.directory} holds the last weights{best if event.best_step is not None else ''}."
    go_on = "To go on: watch(Trainer(config, resume=True)), with the same config."
    return f"Stopped at step {event.step}, and saved in {event.directory}. {go_on}"


def in_notebook() -> bool:
    """Tell whether this code runs in a notebook's kernel, which shows more than text."""
    ipython = sys.modules.get("IPython")  # who runs in it has imported it
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


@contextmanager
def stopping_on_interrupt(trainer: Trainer) -> Iterator[None]:
    """End the run after its step, with a checkpoint, on an interrupt; at once on the second."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    came: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)
        trainer.stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
