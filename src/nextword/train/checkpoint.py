"""Checkpoints, whole or not there after a kill, and checked before they are trusted.

A checkpoint is a folder, `step-00000200`, that is itself a GPT-2 directory
(config.json, model.safetensors, ...) and holds besides what training needs to
go on: training.safetensors (AdamW's moments, the random state), progress.json
and, written last, manifest.json with every file's size and SHA-256.
"""

import copy
import hashlib
import json
import shutil
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from nextword.errors import RunError
from nextword.model import GPT
from nextword.runtime import random_state, set_random_state, sync
from nextword.train.loss_scale import LossScale
from nextword.user_model import Trainable, UserModel, as_gpt
from nextword.weights import save_huggingface, save_tensors
from nextword.weights.assemble import without_numbers
from nextword.weights.tensor_file import load_tensors


@dataclass
class TrainerState:
    """The numbers that a resumed run needs, besides tensors.

    step: updates made. start_loss: the first training loss. best_val_loss and
    best_step: the lowest validation loss, and after how many updates.
    compiled_from: after how many updates compiled code began to compute, if so.
    loss_scale: where products are in float16.
    """

    step: int = 0
    start_loss: float | None = None
    best_val_loss: float | None = None
    best_step: int | None = None
    compiled_from: int | None = None
    loss_scale: LossScale | None = None


CONTENTS = {"config.json", "model.safetensors", "training.safetensors", "progress.json"}

OWN = "own.safetensors"
"""A user model's weights as its class names them: what GPT-2 has no place for is in no other file."""

KEPT = 2
"""How many checkpoints stay: the newest, and the one before it in case the disk fails the newest."""


@dataclass(frozen=True)
class Snapshot:
    """A run's state at one step. tensors: of the optimizer and the random state, by name."""

    model: Trainable
    tensors: dict[str, Tensor]
    state: TrainerState

    @property
    def size(self) -> int:
        """Bytes of all its tensors."""
        tensors = [*self.model.state_dict().values(), *self.tensors.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def copied(self) -> "Snapshot":
        """Copy it all into the machine's memory, where the next steps change nothing of it."""
        tensors = {name: tensor.to("cpu", copy=True) for name, tensor in self.tensors.items()}
        return Snapshot(in_memory(as_gpt(self.model)), tensors, copy.deepcopy(self.state))


def in_memory(model: GPT) -> GPT:
    """Copy a model into memory of its own, on the CPU."""
    other = without_numbers(model.config, model.ops)
    other.load_state_dict({name: t.to("cpu", copy=True) for name, t in model.state_dict().items()}, assign=True)
    other.vocabulary, other.engine = model.vocabulary, model.engine
    return other.train(model.training)


def save_checkpoint(folder: Path, model: Trainable, optimizer: torch.optim.Optimizer, state: TrainerState) -> Path:
    """Save a run's state in folder/step-<updates made>; return its path. See `write_checkpoint`."""
    return write_checkpoint(folder, Snapshot(model, training_tensors(model, optimizer), state))


def write_checkpoint(folder: Path, snapshot: Snapshot) -> Path:
    """Write a run's state into folder/step-<updates made>; return its path.

    Everything is first written beside its place, forced to the disk and only
    then renamed, so that a kill at any moment leaves the checkpoint before
    this one as it was. Only then are all but the last two checkpoints deleted:
    older ones, and damaged ones of later steps that the run had to go back from.
    """
    model, state = snapshot.model, snapshot.state
    path = folder / f"step-{state.step:08d}"
    draft = path.with_suffix(".tmp")
    for half_written in folder.glob("step-????????.tmp"):  # by a process that was killed
        shutil.rmtree(half_written)
    draft.mkdir(parents=True)
    save_huggingface(as_gpt(model), draft)
    if isinstance(model, UserModel):
        save_tensors(model.own_tensors(), draft / OWN)
    save_tensors(snapshot.tensors, draft / "training.safetensors")
    (draft / "progress.json").write_text(json.dumps(asdict(state), indent=1))
    files = {f.name: {"size": f.stat().st_size, "sha256": sha256(f)} for f in sorted(draft.iterdir())}
    (draft / "manifest.json").write_text(json.dumps(files, indent=1))
    for file in draft.iterdir():
        sync(file)
    sync(draft)
    shutil.rmtree(path, ignore_errors=True)
    draft.rename(path)
    sync(folder)
    kept = [checkpoint for checkpoint in checkpoints(folder) if checkpoint <= path][-KEPT:]
    for checkpoint in folder.glob("step-????????"):
        if checkpoint not in kept:
            shutil.rmtree(checkpoint)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """List the complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-????????") if (path / "manifest.json").exists())


def newest_sound_checkpoint(folder: Path) -> tuple[Path | None, list[str]]:
    """Find the newest checkpoint with undamaged files, and the faults of newer ones."""
    faults: list[str] = []
    for path in reversed(checkpoints(folder)):
        fault = find_fault(path)
        if fault is None:
            return path, faults
        faults.append(fault)
    return None, faults


def find_fault(path: Path) -> str | None:
    """Check a checkpoint's files by its manifest; return the first fault in words, or None."""
    try:
        files = json.loads((path / "manifest.json").read_text())
        if not files.keys() >= CONTENTS:
            raise KeyError
        for name, expected in files.items():
            file = path / name
            if not file.exists():
                return f"{file} is missing."
            if file.stat().st_size != expected["size"]:
                return f"{file} has {file.stat().st_size} bytes instead of {expected['size']}."
            if sha256(file) != expected["sha256"]:
                return f"{file} has changed since it was written (its SHA-256 differs)."
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"{path / 'manifest.json'} cannot be read."
    except OSError as error:  # the disk itself has lost something
        return f"{path} cannot be read ({error})."
    return None


def restore(path: Path, model: Trainable, optimizer: torch.optim.Optimizer) -> TrainerState:
    """Load a checkpoint's optimizer state and random state; return its trainer state.

    The model must hold the checkpoint's weights already. Raises RunError where
    the state is not this model's.
    """
    try:
        state = read_state(path / "progress.json")
        tensors = load_tensors(path / "training.safetensors")
        # Where every step until then was skipped, AdamW has no moments yet.
        moved_nothing = state.loss_scale is not None and state.loss_scale.skipped == state.step
        restore_training(tensors, model, optimizer, moments=not moved_nothing)
        return state
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} holds no training state for this model ({error}).") from error


def read_state(file: Path) -> TrainerState:
    """Read a trainer state as `save_checkpoint` writes it."""
    values = json.loads(file.read_text())
    if values.get("loss_scale") is not None:
        values["loss_scale"] = LossScale(**values["loss_scale"])
    return TrainerState(**values)


def training_tensors(model: Trainable, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Collect the optimizer's state and the random states."""
    random = {f"random.{device}": state for device, state in random_state(device_of(model)).items()}
    return optimizer_tensors(model, optimizer) | random


def optimizer_tensors(model: Trainable, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Collect what the optimizer remembers, under the parameters' names (`exp_avg.wte.weight`, ...)."""
    return {
        f"{kind}.{name}": value
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for kind, value in optimizer.state[parameter].items()
    }


def restore_training(
    tensors: dict[str, Tensor], model: Trainable, optimizer: torch.optim.Optimizer, moments: bool = True
) -> None:
    """Undo `training_tensors`, into memory of its own: the tensors are mapped.

    Raises KeyError for a parameter of which nothing is remembered. moments: whether the optimizer's are among them.
    """
    random = "random."
    states = {key.removeprefix(random): state for key, state in tensors.items() if key.startswith(random)}
    own = {key: tensor for key, tensor in tensors.items() if not key.startswith(random)}
    restore_optimizer(own, model, optimizer)
    for name, parameter in model.named_parameters():
        if moments and parameter.requires_grad and not optimizer.state.get(parameter):
            raise KeyError(name)
    set_random_state(states, device_of(model))


def restore_optimizer(tensors: dict[str, Tensor], model: Trainable, optimizer: torch.optim.Optimizer) -> None:
    """Undo `optimizer_tensors`: copy each to its parameter's device."""
    kinds: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        kinds[name][kind] = tensor
    for name, parameter in model.named_parameters():
        for kind, tensor in kinds[name].items():
            optimizer.state[parameter][kind] = tensor.to(parameter.device, copy=True)


def device_of(model: Trainable) -> torch.device:
    """Return the device of a model's parameters."""
    return next(model.parameters()).device


def sha256(file: Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
