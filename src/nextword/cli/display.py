"""A training run on the screen: a progress line, and above it what is worth keeping."""

import math
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from nextword.cli.arguments import in_flags
from nextword.cli.durations import duration
from nextword.commands import command
from nextword.evaluate import in_digits, perplexity
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
from nextword.train.plan import Plan
from nextword.train.recipe import GPT2_STD

QUIET_SECONDS = 10.0  # where there is no terminal, a step is told this often at most

STEP = "step {task.completed:.0f}/{task.total:.0f}"
LEAST_BAR = 4  # columns, as rich has it


class Display:
    """Shows events: a progress line in a terminal, plain lines in a file or a pipe.

    Never raises: where nothing can be written any more, since a reader like `head` has gone, the disk is full or the
    terminal was closed, it says so once on standard error, and shows nothing from then on.
    """

    def __init__(self, console: Console | None = None):
        self.console = console or Console(highlight=False)
        self._progress = Progress(
            TextColumn(STEP, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}", table_column=Column(no_wrap=True)),
            console=self.console,
            auto_refresh=False,
            transient=True,
        )
        self._task: TaskID | None = None
        self._validated: Validated | None = None
        self._shown_at = time.monotonic()
        self._stderr = sys.stderr  # not what rich puts in its place

    def __enter__(self) -> "Display":
        with self._if_possible():
            if self.console.is_terminal:
                self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        with self._if_possible():
            if self.console.is_terminal:
                self._progress.stop()
            self.console.file.flush()

    def say(self, text: str) -> None:
        """Print a line above the progress line."""
        with self._if_possible():
            self._say(text)

    def show(self, event: Event) -> None:
        """Show one event of a training run."""
        with self._if_possible():
            self._show(event)

    @contextmanager
    def _if_possible(self) -> Iterator[None]:
        """Let showing fail, once."""
        try:
            yield
        except RuntimeError:  # a signal came as something was being written, and this is what it has to say
            return
        except (Exception, SystemExit) as error:  # rich's answer to a reader that has gone is to exit
            self.console.quiet = True
            why = error.__context__ if isinstance(error, SystemExit) else error
            give_up(self.console.file)
            with suppress(OSError, ValueError, AttributeError):
                print(
                    f"nextword: nothing can be shown any more ({why}), and training goes on without that; "
                    "log.jsonl tells of each step. Ctrl-C saves and stops.",
                    file=self._stderr,
                    flush=True,
                )

    def _say(self, text: str) -> None:
        self.console.print(escape(text), soft_wrap=True)

    def _show(self, event: Event) -> None:
        match event:
            case Started():
                self._task = self._progress.add_task("", total=event.plan.steps, completed=event.step, numbers="")
                self._say(introduction(event))
                for sentence in filter(None, (event.shape, *event.account, *event.statistics)):
                    self._say(sentence)
            case Prolonged():
                self._say(prolongation(event))
            case Stepped():
                self._show_step(event)
            case Validated():
                self._validated = event
                star = ", the best so far" if event.is_best else ""
                self._say(
                    f"step {event.step:>5}   validation loss {event.val_loss:.3f}   "
                    f"perplexity {in_digits(event.perplexity)}{star}"
                )
            case Sampled():
                self.console.print(
                    Text.assemble("             ", (one_line(event.prompt), "bold"), (one_line(event.text), "italic")),
                    soft_wrap=True,
                )
            case Saved():
                self._say(f"step {event.step:>5}   saved {event.path}")
            case Compiling():
                why = "as before" if event.saves is None else f"that saves {clock(event.saves)} in all"
                self._say(f"Compiling, about {clock(event.seconds)} minutes; {why}.")
            case Warned():
                self.console.print(f"[yellow]Warning:[/] {escape(in_flags(event.message))}", soft_wrap=True)
            case Judged():
                told = escape(in_flags(str(event.verdict)))
                self.console.print(told if event.verdict.is_normal else f"[yellow]Warning:[/] {told}", soft_wrap=True)
            case Finished():
                self._say(conclusion(event))

    def _show_step(self, step: Stepped) -> None:
        assert self._task is not None
        numbers = {
            "loss": f"loss {step.train_loss:.3f}",
            "perplexity": f"perplexity {in_digits(perplexity(step.train_loss))}",
            "validation": f"last validation {self._validated.val_loss:.3f}" if self._validated is not None else "",
            "speed": f"{step.tok_per_s:,.0f} tokens/s",
            "left": f"{clock(step.seconds_left)} left",
        }
        self._progress.update(self._task, completed=step.step)
        shown = STEP.format(task=self._progress.tasks[self._task])
        columns = self.console.width - len(shown) - LEAST_BAR - 2  # a blank between columns
        self._progress.update(self._task, numbers=fitting(numbers, columns))
        if self.console.is_terminal:
            self._progress.refresh()
        elif step.seconds_left == 0 or time.monotonic() - self._shown_at >= QUIET_SECONDS:
            self._shown_at = time.monotonic()
            self._say(f"step {step.step:>5}   {fitting(numbers)}")


def fitting(numbers: Mapping[str, str], columns: float = math.inf) -> str:
    """Join a step's numbers with blanks, without the dispensable ones where columns are few."""
    kept = {name: text for name, text in numbers.items() if text}
    for spared in ("perplexity", "validation", "speed", "left"):
        if len("  ".join(kept.values())) > columns:
            kept.pop(spared, None)
    return "  ".join(kept.values())


def give_up(output: IO[str]) -> None:
    """Send further output to nowhere, once standard output is broken."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


def introduction(event: Started) -> str:
    """Describe a run in two lines: model, data, recipe and expected time."""
    plan = event.plan
    verb = "Training" if event.step == 0 else f"Resuming at step {event.step}:"
    by = "" if plan.optimizer == "adamw" else f"by {plan.optimizer}, "
    passes = plan.steps * event.tokens_per_step / event.n_train_tokens
    return (
        f"{verb} {event.n_params:,} parameters on {event.data_name} "
        f"({event.n_train_tokens:,} tokens to learn from, {event.n_val_tokens:,} to validate on), {plan.why}: "
        f"{passes:,.{1 if passes < 10 else 0}f} passes, about {duration(event.expected_seconds)}\n"
        f"{plan.steps} {'step' if plan.steps == 1 else 'steps'} of {event.tokens_per_step:,} tokens, "
        f"{by}learning rate {rate(plan)}, dropout {plan.dropout:g}{draw(plan)}, "
        f"{event.dtype} on {event.device}, into {event.directory}"
    )


def prolongation(event: Prolonged) -> str:
    """Describe a prolonged run: its steps before and now, and its learning rate."""
    lr, last = f"{event.lr:.2g}", f"{event.last_lr:.2g}"
    falling = f", falling over the last {event.fall:.0%} of the steps that are left" if event.fall < 1.0 else ""
    goes = f"stays at {last}" if lr == last else f"goes on from {lr} and ends at {last} ({event.schedule}{falling})"
    return f"Prolonged from {event.steps_before} to {event.steps} steps: the learning rate {goes}."


def rate(plan: Plan) -> str:
    """Describe how the learning rate moves, in words."""
    if plan.lr_floor == 1.0:
        return f"{plan.lr:.2g} throughout"
    at_the_end = "at the end " if plan.lr_fall < 1.0 else ""
    return f"{plan.lr:.2g} falling {at_the_end}to {plan.lr * plan.lr_floor:.2g} ({plan.schedule})"


def draw(plan: Plan) -> str:
    """Describe how the embeddings were drawn, and why, if not in GPT-2's way."""
    if plan.embedding_std is None or plan.embedding_std == GPT2_STD:
        return ""
    why = " to be told apart sooner" if plan.embedding_std > GPT2_STD else ""
    return f", embeddings drawn at {plan.embedding_std:g} instead of GPT-2's {GPT2_STD:g}{why}"


def conclusion(event: Finished) -> str:
    """Say where everything is now, and the next command."""
    if not event.complete:
        return f"Stopped at step {event.step}. To go on: {command('train', '--resume', '--out', event.directory)}"
    best = f" The weights with the lowest validation loss (step {event.best_step}) are in {event.directory}/best."
    return f"Done: {event.directory} holds the weights, the log and the loss curve (loss.png).{best}"


def one_line(text: str) -> str:
    """Write a text on one line, with its line breaks made visible."""
    return re.sub(r"\s*\n\s*", " / ", text)


def clock(seconds: float) -> str:
    """Write seconds as a clock shows them: 0:42, 12:05, 3:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
