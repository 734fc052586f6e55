"""GGUF, llama.cpp's files, read with its own package."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextword.errors import WeightsError


def is_gguf(file: Path) -> bool:
    """Tell by its first bytes."""
    with file.open("rb") as opened:
        return opened.read(4) == b"GGUF"


def read_gguf(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read parameters by llama.cpp's names, those of fewer bits unpacked, and the sizes.

    Raises WeightsError where the package is not installed, and for another architecture.
    """
    if find_spec("gguf") is None:
        raise WeightsError(f"{file} is GGUF, for which its package is needed: pip install gguf")
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(str(file))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    kind = fields.get("general.architecture")
    if kind != "gpt2":
        raise WeightsError(f"{file} holds a model of the architecture {kind}, and nextword's is gpt2.")
    tensors = {}
    for tensor in reader.tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape.tolist()))
        values = np.asarray(dequantize(tensor.data, tensor.tensor_type), np.float32).reshape(shape)
        tensors[tensor.name] = torch.from_numpy(values.copy())
    eps = float(fields.get("gpt2.attention.layer_norm_epsilon", 1e-5))
    return tensors, {
        "n_head": int(fields["gpt2.attention.head_count"]),
        "layer_norm_epsilon": float(f"{eps:.6g}"),  # it is stored in float32
    }
