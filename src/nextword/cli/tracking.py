"""A run's curves in an experiment tracker: TensorBoard, Weights & Biases, or trackio."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from nextword.errors import NextwordError, SettingError
from nextword.train.events import Event, Sampled, Started, Stepped, Validated

ID_FILE = "tracked.json"
"""In a run's directory: the name by which a tracker knows the run, so that a resumed run goes on in its curves."""


class Tracker(Protocol):
    """Where curves go to."""

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """Add the numbers of one step."""

    def text(self, step: int, text: str) -> None:
        """Add a sample."""

    def end(self) -> None:
        """Write what is not written yet."""


class TensorBoard:
    """Writes RUN/tensorboard, which `tensorboard --logdir runs` shows. What a resumed run makes anew is replaced."""

    def __init__(self, path: Path, step: int, described: dict[str, Any]):
        summary_writer = library("torch.utils.tensorboard", "tensorboard").SummaryWriter
        self._writer = summary_writer(str(path / "tensorboard"), purge_step=step + 1 if step else None)
        if not step:
            self._writer.add_text("run", f"```\n{json.dumps(described, indent=1)}\n```", 0)

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """See `Tracker.numbers`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def text(self, step: int, text: str) -> None:
        """See `Tracker.text`."""
        self._writer.add_text("sample", text, step)

    def end(self) -> None:
        """See `Tracker.end`."""
        self._writer.close()


class WandbLike:
    """Sends to Weights & Biases, or to trackio, which has the same functions."""

    def __init__(self, name: str, path: Path, described: dict[str, Any]):
        self._library = library(name, name)
        own = {"id": tracked_id(path), "dir": str(path)} if name == "wandb" else {}
        title = path.name if name == "wandb" else f"{path.name}-{tracked_id(path)}"  # which knows runs by their names
        self._library.init(project="nextword", name=title, config=described, resume="allow", **own)

    def numbers(self, step: int, values: dict[str, float]) -> None:
        """See `Tracker.numbers`."""
        self._library.log(values, step=step)

    def text(self, step: int, text: str) -> None:
        """See `Tracker.text`."""
        self._library.log({"sample": self._library.Table(columns=["step", "text"], data=[[step, text]])}, step=step)

    def end(self) -> None:
        """See `Tracker.end`."""
        self._library.finish()


TRACKERS = ("tensorboard", "wandb", "trackio")


def check_tracker(name: str) -> None:
    """Raise before a training begins where a tracker is not known, or its library is not there."""
    if name not in TRACKERS:
        raise SettingError("track", f"{name} is none that is known: choose {', '.join(TRACKERS)}.")
    library("torch.utils.tensorboard" if name == "tensorboard" else name, name)


def library(module: str, package: str) -> Any:
    """Import a tracker's library. Raises NextwordError, with what to install, where it is not there."""
    try:
        return import_module(module)
    except ImportError as error:
        raise NextwordError(f"--track needs {package}, which is not installed: pip install {package}") from error


def tracked_id(path: Path) -> str:
    """Read the name by which a tracker knows a run, or make one up and keep it."""
    file = path / ID_FILE
    if not file.exists():
        file.write_text(json.dumps({"id": uuid4().hex[:8]}))
    return str(json.loads(file.read_text())["id"])


class Tracking:
    """Sends a run's events to a tracker. Should that fail, it says so once, and training goes on without it."""

    def __init__(self, name: str | None):
        self._name = name
        self._tracker: Tracker | None = None
        self._step = 0
        self._waiting: dict[str, float] = {}  # numbers of the last step, since those of its validation come after

    def take(self, event: Event) -> None:
        """Take in one event."""
        self._try(lambda: self._take(event))

    def end(self) -> None:
        """Send what is left, however the run has ended."""
        self._try(self._end)

    def _try(self, send: Callable[[], None]) -> None:
        """Let sending fail, once; then, and where no tracker is named, nothing is sent."""
        if self._name is None:
            return
        try:
            send()
        except Exception as error:  # a network's, a login's, a disk's, of whatever kind
            print(
                f"nextword: nothing is sent to {self._name} any more ({type(error).__name__}: {error}); training "
                "goes on, and log.jsonl has it all.",
                file=sys.stderr,
            )
            self._name = None

    def _take(self, event: Event) -> None:
        match event:
            case Started() if self._name is not None:
                described = json.loads((event.directory / "run.json").read_text())
                if self._name == "tensorboard":
                    self._tracker = TensorBoard(event.directory, event.step, described)
                else:
                    self._tracker = WandbLike(self._name, event.directory, described)
            case Stepped():
                self._send()
                values = {
                    "train_loss": event.train_loss,
                    "lr": event.lr,
                    "grad_norm": event.grad_norm,
                    "tok_per_s": event.tok_per_s,
                    "tokens": event.tokens,
                }
                self._step, self._waiting = event.step, values
            case Validated():
                self._step = event.step
                self._waiting |= {"val_loss": event.val_loss, "perplexity": event.perplexity}
            case Sampled() if self._tracker is not None:
                self._tracker.text(event.step, f"**{event.prompt}**{event.text}")
            case _:
                pass

    def _end(self) -> None:
        self._send()
        if self._tracker is not None:
            self._tracker.end()

    def _send(self) -> None:
        if self._waiting and self._tracker is not None:
            self._tracker.numbers(self._step, self._waiting)
        self._waiting = {}
