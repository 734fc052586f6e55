"""The directory that a run leaves behind.

config.json model.safetensors tokenizer.json ...   a plain GPT-2 directory: the last weights
best/                the same, with the weights that did best on the validation text
run.json             everything needed to repeat the run
log.jsonl            one line a step
loss.png samples.md  the picture, and what the model wrote as it learned
attention/           where each head looked meanwhile, in the beginning of the validation text
checkpoints/         the last two states to resume from
"""

import json
import os
import re
import shutil
from math import isfinite
from pathlib import Path
from typing import Any

from nextword.errors import RunError
from nextword.runtime import replacing, sync
from nextword.train.attention_log import AttentionLog
from nextword.train.checkpoint import checkpoints
from nextword.train.replaced_run import ASIDE, OWN, set_aside, settle
from nextword.train.run_lock import Holder, RunLock, suspended_in

MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)
CONTENTS = (
    *MODEL_FILES,
    "best",
    "log.jsonl",
    "loss.png",
    "samples.md",
    "attention",
    "checkpoints",
    "tensorboard",
    "wandb",
    "tracked.json",
)
"""What a run leaves, and a new one in its place deletes, besides run.json, by which a run is known."""

SAMPLE = re.compile(r"^## Step (\d+)\n\n(?:> .*\n)+\n", re.MULTILINE)
"""One whole section of samples.md."""


class RunDirectory:
    """A run's directory, locked by one trainer at a time until it is released."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = RunLock(path)

    @classmethod
    def create(
        cls, path: Path, description: dict[str, Any], overwrite: bool = False, holder: Holder | None = None
    ) -> "RunDirectory":
        """Begin a run in a new or empty directory, or with `overwrite` in place of an older run.

        description: what run.json says. holder: who can be asked for the
        directory by another trainer of this process. The older run is kept
        aside until `settle`. Raises RunError where something is there already
        that must not be lost, or another trainer is at work.
        """
        said = json.dumps(description, indent=1) + "\n"  # what cannot be said fails before anything is moved
        check_free(path, overwrite)
        run = cls(path)
        run._lock.acquire(holder)
        try:
            run.settle()
            if (path / "run.json").exists():
                set_aside(path, CONTENTS)
            run.describe(said)
        except BaseException:
            run.settle()
            run.release()
            raise
        return run

    @classmethod
    def reopen(cls, path: Path, holder: Holder | None = None) -> "RunDirectory":
        """Lock the directory of a run again. Raises RunError where there is none, or another trainer is at work."""
        description(path)
        run = cls(path)
        run._lock.acquire(holder)
        return run

    def describe(self, said: str) -> None:
        """Replace the content of run.json."""
        with replacing(self.path / "run.json") as file:
            file.write_text(said)

    def weaknesses(self) -> list[str]:
        """List the promises that this file system cannot keep, in words."""
        found = []
        if not self._lock.is_systems:
            found.append(
                f"The file system of {self.path} has no locks: see to it that no second trainer works there meanwhile."
            )
        if not (sync(self.path) and sync(self.path / "run.json")):
            found.append(
                f"The file system of {self.path} cannot force a folder to its disk: after a power cut, unlike after a "
                "crash, the newest checkpoint may be lost."
            )
        return found

    def release(self) -> None:
        """Let other trainers have the directory."""
        self._lock.release()

    def settle(self) -> bool:
        """Delete the replaced run if this one has saved something, else put it back.

        Returns whether it was put back.
        """
        return settle(self.path, CONTENTS, saved=bool(checkpoints(self.checkpoints)))

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def attention(self) -> AttentionLog:
        """The attention log of the run."""
        return AttentionLog(self.path / "attention")

    def log(self, **values: float | None) -> None:
        """Add a line to log.jsonl. NaN and infinity, which JSON lacks, become null like values not measured."""
        finite = {name: value if value is None or isfinite(value) else None for name, value in values.items()}
        with (self.path / "log.jsonl").open("a") as file:
            file.write(json.dumps(finite) + "\n")

    def add_sample(self, step: int, prompt: str, text: str) -> None:
        """Add a sample to samples.md, as a quotation under the step's number, the prompt in bold."""
        bold = "\n".join(f"**{line}**" if line else "" for line in prompt.splitlines()) or "****"
        quotation = "\n".join(f"> {line}" for line in f"{bold}{text}".splitlines())
        with (self.path / "samples.md").open("a", encoding="utf-8") as file:
            file.write(f"## Step {step}\n\n{quotation}\n\n")

    def rewind(self, step: int) -> None:
        """Forget everything logged after this step: a resumed run will log it again."""
        log = self.path / "log.jsonl"
        if log.exists():
            lines = log.read_text().splitlines()
            with replacing(log) as file:
                file.write_text("".join(f"{line}\n" for line in lines if step_of(line) <= step))
        samples = self.path / "samples.md"
        if samples.exists():
            sections = list(SAMPLE.finditer(samples.read_text(encoding="utf-8")))
            with replacing(samples) as file:
                kept = [section[0] for section in sections if int(section[1]) <= step]
                file.write_text("".join(kept), encoding="utf-8")
        self.attention.rewind(step)

    def publish(self, checkpoint: Path) -> None:
        """Make the run's directory the GPT-2 directory of a checkpoint, without copying its weights.

        The small files are copied: an editor may write into them in place, and
        would thereby change the checkpoint's.
        """
        for name in MODEL_FILES:
            if (checkpoint / name).exists():
                with replacing(self.path / name) as file:
                    place = link_or_copy if name == "model.safetensors" else shutil.copyfile
                    place(checkpoint / name, file)


def description(path: Path) -> dict[str, Any]:
    """Read run.json. Raises RunError where there is no run."""
    try:
        found = json.loads((path / "run.json").read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        others = sorted(str(file.parent) for file in path.parent.glob("*/run.json"))
        there = f" There is {', '.join(others)}: name it with `out`." if others else ""
        raise RunError(f"{path} holds no run to resume: leave out `resume=True` to begin one.{there}") from error
    except ValueError as error:
        raise RunError(f"{path / 'run.json'} cannot be read ({error}): begin anew with `overwrite=True`.") from error
    parts = [found.get(part) for part in ("config", "data", "versions")] if isinstance(found, dict) else [None]
    if not all(isinstance(part, dict) for part in parts):
        raise RunError(f"{path / 'run.json'} does not describe a run of nextword: choose another `out`.")
    return found


def check_idle(path: Path) -> bool:
    """Raise RunError if another trainer is at work, else tidy up after a killed one.

    -> whether the older run was put back, since the newer one had saved nothing.
    """
    if not ((path / ".lock").exists() or (path / ASIDE).exists()) or suspended_in(path) is not None:
        return False
    run = RunDirectory(path)
    run._lock.acquire()
    try:
        return run.settle()
    finally:
        run.release()


def check_free(path: Path, overwrite: bool = False) -> None:
    """Raise RunError unless a run may begin at this path."""
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file, and a run needs a directory: choose another `out`.")
    if not path.exists() or not any(file.name not in OWN for file in path.iterdir()):
        return
    if not (path / "run.json").exists():
        raise RunError(f"{path} has files in it that are not a run's: choose another `out`.")
    if overwrite:
        return
    states = checkpoints(path / "checkpoints")
    resume = f"continue it with `resume=True` (from step {int(states[-1].name[5:])}), " if states else ""
    raise RunError(f"{path} already holds a run: {resume}replace it with `overwrite=True`, or choose another `out`.")


def step_of(line: str) -> float:
    """Read the step of a line of log.jsonl; infinity for half a line, which a kill may leave."""
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return float("inf")


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
