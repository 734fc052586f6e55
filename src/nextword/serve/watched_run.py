"""Watch a training run from outside: its losses, samples and attention patterns."""

import json
import re
from pathlib import Path
from typing import Any

from nextword.curves import band_edges, judge, read_curve
from nextword.errors import RunError
from nextword.train.attention_log import AttentionLog
from nextword.train.checkpoint import checkpoints
from nextword.train.run_directory import SAMPLE

PROMPT = re.compile(r"(?:\*\*(?:(?!\*\*).)*\*\*\n+)*\*\*.*?\*\*")
"""What a sample begins with: lines that are bold from end to end, and the bold beginning of another.

A model that begins its text with a line break, and then a bold line, is misunderstood.
"""

STEPS = 2000  # points of a curve; of a longer run every second, third, ... step is told


class WatchedRun:
    """Reads a run's directory. Everything is read as it is now, or again when it has changed."""

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[tuple[Path, str], tuple[tuple[int, int, int], Any]] = {}
        self.attention = AttentionLog(path / "attention")

    def weights(self) -> tuple[int, int] | None:
        """A value that changes when the run saves new weights; None while there are none."""
        try:
            status = (self.path / "model.safetensors").stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def saved_step(self) -> int:
        """After how many updates the newest weights were saved; 0 while there are none.

        Of a finished run whose checkpoints were deleted the log tells.
        """
        kept = [int(path.name[5:]) for path in checkpoints(self.path / "checkpoints")]
        if kept or self.weights() is None:
            return max(kept, default=0)
        logged = self._read(self.path / "log.jsonl", losses)
        return int(logged[-1]["step"] or 0) if logged else 0

    def describe(self) -> dict[str, Any]:
        """Describe the run: its text, losses and samples, and when its attention, to which text, was kept.

        begun: changes when another run takes its place.
        """
        return {
            "dir": str(self.path),
            "begun": self._begun(),
            "data": self._read(self.path / "run.json", read_from) or None,
            "steps": self._read(self.path / "log.jsonl", losses),
            "expected": self._expected(),
            "samples": self._read(self.path / "samples.md", samples),
            "attention": self._attention(),
        }

    def _expected(self) -> dict[str, Any] | None:
        """The band in some steps, and the verdict on the losses; None while there are none."""
        log = self.path / "log.jsonl"
        found: dict[str, Any] | None = self._read(log, lambda _text: expected(log), told="expected") or None
        return found

    def _begun(self) -> str | None:
        try:
            return f"{(self.path / 'run.json').stat().st_mtime_ns:x}"
        except FileNotFoundError:
            return None

    def _attention(self) -> dict[str, Any]:
        try:
            return {"steps": self.attention.steps(), "ids": self.attention.text()}
        except (RunError, OSError):  # a run that goes back takes looks away, and one may be damaged: the rest is told
            return {"steps": [], "ids": []}

    def _read(self, file: Path, read: Any, told: str = "itself") -> Any:
        key = (file, told)
        try:
            status = file.stat()
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            if key not in self._known or self._known[key][0] != state:
                self._known[key] = (state, read(file.read_text(encoding="utf-8", errors="replace")))
        except FileNotFoundError:  # the run has only begun
            return []
        return self._known[key][1]


def read_from(description: str) -> dict[str, Any] | None:
    """Read from run.json the training text's name and tokens, and the initial weights.

    None where it says nothing of it, as the run.json of another version may.
    """
    try:
        found = json.loads(description)
        told = {"name": str(found["data"]["name"]), "train_tokens": int(found["data"]["train_tokens"])}
        return {**told, "init": found["config"].get("init")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def expected(log: Path) -> dict[str, Any]:
    """Judge a log: the band as (step, lowest, highest), and the verdict in words."""
    curve = read_curve(log)
    verdict = judge(curve)
    edges = band_edges(curve.circumstances, curve.step)
    return {"band": edges, "verdict": str(verdict), "kind": verdict.kind, "normal": verdict.is_normal}


def losses(log: str) -> list[dict[str, float | None]]:
    """Read log.jsonl, thinned to a picture's points; those with a validation loss stay."""
    found = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            found.append({name: entry.get(name) for name in ("step", "tokens", "train_loss", "val_loss")})
        except (ValueError, AttributeError):  # half a line, which is being written
            continue
    every = -(-len(found) // STEPS)
    return [one for n, one in enumerate(found) if n % every == 0 or one["val_loss"] is not None or n == len(found) - 1]


def samples(text: str) -> list[dict[str, Any]]:
    """Read the sections of samples.md: step, prompt and text."""
    found = []
    for section in SAMPLE.finditer(text):
        quoted = section[0].split("\n")[2:-2]  # between the heading and the empty line at the end
        body = "\n".join(line.removeprefix("> ") for line in quoted)
        begins = PROMPT.match(body)
        bold = begins[0] if begins else ""
        prompt = re.sub(r"^\*\*|\*\*$", "", bold, flags=re.MULTILINE)
        found.append({"step": int(section[1]), "prompt": prompt, "text": body.removeprefix(bold)})
    return found
