"""PyTorch's pickled checkpoints, of which only tensors, numbers, texts and containers are read."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nextword.errors import WeightsError

STATES = ("model", "model_state_dict", "state_dict", "model_state", "net", "module")
"""Under which name a checkpoint holds the model's parameters, if it holds more than these."""

PREFIXES = ("_orig_mod.", "module.", "model.")
"""What torch.compile, DataParallel and wrappers put before each name."""


class Inert:
    """An object of a class that is not loaded: only its saved attributes."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)

    def __hash__(self) -> int:
        return id(self)


def read_pickled(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint. -> its parameters by their names, and all numbers that stand beside them, by theirs.

    Objects of classes, such as a config, are read as values: no code of theirs is run, nor any other. Raises
    WeightsError for what cannot be read so.
    """
    try:
        whole = load_inert(file)
    except Exception as error:  # of a file that may hold anything
        said = str(error).partition("\n")[0]
        raise WeightsError(
            f"{file} cannot be read as tensors, numbers and texts ({said}). Save it anew with what made it: "
            "torch.save(model.state_dict(), FILE)."
        ) from error
    settings = numbers_in(whole)
    state = state_in(whole)
    if state is None:
        raise WeightsError(
            f"{file} holds no parameters: expected a state_dict, alone or under one of {', '.join(STATES)}."
        )
    return without_prefixes(state), settings


def load_inert(file: Path) -> Any:
    """Load with PyTorch's restricted unpickler, and inert objects for all classes that it does not know."""
    unknown: list[str] = []
    if zipfile.is_zipfile(file):
        unknown = torch.serialization.get_unsafe_globals_in_checkpoint(file)
    stands: list[Any] = [(type("Inert", (Inert,), {}), name) for name in unknown]
    with torch.serialization.safe_globals(stands), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pickles by other programs than torch.save
        return torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))


def state_in(value: Any) -> dict[str, Tensor] | None:
    """Find the parameters in a checkpoint."""
    if not isinstance(value, dict):
        return None
    for name in STATES:
        inner = value.get(name)
        if isinstance(inner, dict) and any(isinstance(one, Tensor) for one in inner.values()):
            return state_in(inner) or tensors_of(inner)
    found = tensors_of(value)
    return found or None


def tensors_of(state: dict[Any, Any]) -> dict[str, Tensor]:
    """Take the tensors out of a dict."""
    return {str(name): tensor.detach() for name, tensor in state.items() if isinstance(tensor, Tensor)}


def without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take away what stands before all names."""
    for prefix in (*PREFIXES, *PREFIXES):
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def numbers_in(value: Any, depth: int = 3) -> dict[str, Any]:
    """Collect the numbers and words beside the parameters, such as a config's, by their last names."""
    if depth == 0:
        return {}
    inner = value if isinstance(value, dict) else vars(value) if isinstance(value, Inert) else {}
    found: dict[str, Any] = {}
    for name, one in inner.items():
        if isinstance(one, int | float | str | bool):
            found[str(name)] = one
        elif isinstance(one, dict | Inert):
            found = {**numbers_in(one, depth - 1), **found}
    return found
