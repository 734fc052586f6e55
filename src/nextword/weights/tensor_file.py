"""Saving and loading safetensors files with PyTorch."""

import stat
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from nextword.runtime import readable_size


def save_tensors(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Write tensors, no two of which share memory, into a safetensors file.

    Raises OSError where the disk does not take it: safetensors has an error of
    its own for that.
    """
    path = Path(path)
    path.touch()
    mode = path.stat().st_mode  # as this user's files are; safetensors makes such that only their owner may read
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata={"format": "pt"})
    except SafetensorError as error:
        size = readable_size(sum(tensor.nbytes for tensor in tensors.values()))
        raise OSError(None, f"{size} could not be written ({error})", str(path)) from error
    path.chmod(stat.S_IMODE(mode))


def load_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file. Raises FileNotFoundError, and SafetensorError for another file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:  # a name that is not UTF-8, which safetensors does not open
        return load(Path(path).read_bytes())
    return load_file(path)
