"""What the training tests are made of: a GPT-2 of next to no size, a short text, and short runs."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from nextword.model import GPTConfig
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Event, Stepped
from nextword.train.update import TorchUpdate

T = TypeVar("T")

# Bytes for tokens: GPT-2's vocabulary would be 98% of such a model, and of the time.
TINY = GPTConfig(n_vocab=257, n_ctx=32, n_embd=8, n_head=2, n_layer=2)

# 330 bytes, of which 33 are set aside: 19 windows of 16, so that an epoch of pairs ends within a pair.
TEXT = (
    "The ferry left at seven, with nine people and a goat. Nobody answered the bell. At ten they saw the old pier.\n"
) * 3

# As many tokens of GPT-2's vocabulary.
FERRY = (
    "The ferry left at seven, with nine people on board and a goat that belonged to none of them. "
    "By noon the fog had come down to the water, and the captain rang the bell every second minute. "
    "Nobody answered. The goat stood at the bow as if it had paid for the view, and looked ahead. "
    "At three a boy saw the lighthouse first; he said so quietly, since he had been wrong twice before. "
    "This time it stayed where it was. They tied up at the old pier, and the goat walked off alone.\n"
) * 3


def train(trainer: Trainer, until: int | None = None) -> list[Event]:
    """Listen to a run to its end; with `until`, ask it to stop after that step."""
    events: list[Event] = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, Stepped) and event.step == until:
            trainer.stop()
    return events


def late(config: TrainConfig, waits: bool = False, resume: bool = False) -> Trainer:
    """A trainer that behaves as on a GPU."""
    trainer = Trainer(config, resume=resume)
    trainer._steps._move = TorchUpdate(trainer._steps._working, trainer._optimizer, config.clip)
    trainer._steps._move.waits = waits
    return trainer


def of(events: list[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def losses(events: list[Event]) -> list[float]:
    return [event.train_loss for event in of(events, Stepped)]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    """A copy of the weights as they are now, as bits, so that NaN equals NaN."""
    parameters = trainer.setup.model.named_parameters()
    return {name: parameter.detach().clone().view(torch.int32) for name, parameter in parameters}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def log(run: Path) -> list[dict[str, float | None]]:
    """A run's log, without the one number that no two runs share."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "tok_per_s"} for line in lines]


def newest(run: Path) -> Path:
    return sorted((run / "checkpoints").glob("step-????????"))[-1]


def state(run: Path) -> dict[str, object]:
    """Everything that a run leaves: weights, optimizer, random state, log and samples, to compare bit by bit."""
    checkpoint = newest(run)
    files = [
        checkpoint / "model.safetensors",
        checkpoint / "training.safetensors",
        checkpoint / "progress.json",
        run / "model.safetensors",
        run / "best" / "model.safetensors",
        run / "samples.md",
        *sorted((run / "attention").iterdir()),
    ]
    content = {str(file.relative_to(run)): file.read_bytes() for file in files}
    return {"checkpoints": sorted(path.name for path in (run / "checkpoints").iterdir()), "log": log(run)} | content


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Run code in a process of its own, where `tiny` is a size too."""
    patch = f"""
        import sys
        import nextword.train.config, nextword.train.setup
        from nextword.model import CONFIGS, GPTConfig
        nextword.train.config.CONFIGS = {{**CONFIGS, "tiny": {TINY!r}}}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(patch) + textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
