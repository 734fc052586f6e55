"""A training run, looked at from outside while it goes on: its losses, its samples, and its checkpoints' models."""

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

from nextword.model import GPT
from nextword.train.checkpoint import checkpoints
from nextword.train.run_directory import SAMPLE
from nextword.weights import load_model

STEPS = 2000  # points of a curve; of a longer run every second, third, ... step is told
MODELS = 2  # of checkpoints that are held


class WatchedRun:
    """What there is to see in a run's directory. Everything is read as it is now, or again when it has changed."""

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[Path, tuple[tuple[int, int], Any]] = {}
        self._models: OrderedDict[Path, GPT] = OrderedDict()

    def describe(self) -> dict[str, Any]:
        """The losses step by step, what the model wrote, and of which steps there are checkpoints."""
        return {
            "dir": str(self.path),
            "steps": self._read(self.path / "log.jsonl", losses),
            "samples": self._read(self.path / "samples.md", samples),
            "checkpoints": self.checkpoints(),
        }

    def checkpoints(self) -> list[int]:
        """The steps whose weights are kept, the earliest first."""
        return [int(path.name[5:]) for path in checkpoints(self.path / "checkpoints")]

    def model(self, step: int) -> GPT:
        """The model as it was at a checkpoint. Raises LookupError where there is none any more."""
        path = self.path / "checkpoints" / f"step-{step:08d}"
        if step not in self.checkpoints():
            raise LookupError(step)
        if path not in self._models:
            self._models[path] = load_model(path).eval()
            while len(self._models) > MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(path)
        return self._models[path]

    def _read(self, file: Path, read: Any) -> Any:
        try:
            status = file.stat()
            state = (status.st_mtime_ns, status.st_size)
            if file not in self._known or self._known[file][0] != state:
                self._known[file] = (state, read(file.read_text(encoding="utf-8")))
        except FileNotFoundError:  # the run has only begun
            return []
        return self._known[file][1]


def losses(log: str) -> list[dict[str, float | None]]:
    """The lines of log.jsonl, in few enough points for a picture; all that have a validation loss stay."""
    found = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            found.append({name: entry.get(name) for name in ("step", "train_loss", "val_loss")})
        except (ValueError, AttributeError):  # half a line, which is being written
            continue
    every = -(-len(found) // STEPS)
    return [one for n, one in enumerate(found) if n % every == 0 or one["val_loss"] is not None or n == len(found) - 1]


def samples(text: str) -> list[dict[str, Any]]:
    """The sections of samples.md: after which step, from which prompt, and what the model wrote."""
    found = []
    for section in SAMPLE.finditer(text):
        quoted = section[0].split("\n")[2:-2]  # between the heading and the empty line at the end
        body = "\n".join(line.removeprefix("> ") for line in quoted)
        prompt, marked, written = body.removeprefix("**").partition("**")
        found.append({"step": int(section[1]), "prompt": prompt if marked else "", "text": written if marked else body})
    return found
