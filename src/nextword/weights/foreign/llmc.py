"""llm.c's checkpoints: a header of 256 whole numbers, and the parameters one after the other.

Source: karpathy/llm.c, train_gpt2.py, write_model.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextword.errors import WeightsError

MAGIC = 20240326
FORMATS: dict[int, np.dtype[Any]] = {3: np.dtype("<f4"), 5: np.dtype("<u2")}
"""By version, how numbers are stored: float32, or bfloat16 as its bits."""


def is_llmc(file: Path) -> bool:
    """Tell by its first bytes."""
    with file.open("rb") as opened:
        return opened.read(4) == MAGIC.to_bytes(4, "little")


def read_llmc(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read parameters by our names, and the sizes. Raises WeightsError for another version or length."""
    with file.open("rb") as opened:
        header = np.frombuffer(opened.read(1024), "<i4")
    if len(header) < 256 or int(header[1]) not in FORMATS:
        raise WeightsError(f"{file} is of a version of llm.c that is not known here: 3 (float32) and 5 (bfloat16) are.")
    version, T, V, L, H, C, rows = (int(number) for number in header[1:8])
    kind = FORMATS[version]
    sizes = {
        "wte.weight": (rows, C), "wpe.weight": (T, C), "ln_1.weight": (L, C), "ln_1.bias": (L, C),
        "attn.c_attn.weight": (L, 3 * C, C), "attn.c_attn.bias": (L, 3 * C), "attn.c_proj.weight": (L, C, C),
        "attn.c_proj.bias": (L, C), "ln_2.weight": (L, C), "ln_2.bias": (L, C), "mlp.c_fc.weight": (L, 4 * C, C),
        "mlp.c_fc.bias": (L, 4 * C), "mlp.c_proj.weight": (L, C, 4 * C), "mlp.c_proj.bias": (L, C),
        "ln_f.weight": (C,), "ln_f.bias": (C,),
    }  # fmt: skip
    wanted = 1024 + kind.itemsize * sum(int(np.prod(shape)) for shape in sizes.values())
    if file.stat().st_size != wanted:
        raise WeightsError(
            f"{file} has {file.stat().st_size:,} bytes, and its header speaks of {wanted:,}: it was cut off."
        )
    numbers = np.memmap(file, kind, mode="r", offset=1024)
    found: dict[str, Tensor] = {}
    start = 0
    for name, shape in sizes.items():
        stored = np.array(numbers[start : start + int(np.prod(shape))]).reshape(shape)
        start += stored.size
        values = (
            torch.from_numpy(stored.view(np.int16)).view(torch.bfloat16).float()
            if version == 5
            else torch.from_numpy(stored)
        )
        if len(shape) > 1 and name[:2] not in ("wt", "wp"):
            found |= {f"h.{layer}.{name}": values[layer] for layer in range(L)}
        else:
            found[name] = values
    found["wte.weight"] = found["wte.weight"][:V]
    return found, {"n_head": H}
