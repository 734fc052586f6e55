"""A model still in its files, of any format, and the check of its tensors.

Nothing here needs PyTorch, whose import takes longer than all else between a command and its first word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.tokenizer.vocab import Vocabulary
from nextword.weights.names import TensorName

FLOATS: Mapping[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
}
"""The formats of numbers that weights may have, by safetensors' names, and numpy's type for each.

numpy has no bfloat16, so its 16 bits are read as a whole number without a sign.
"""

EXPONENTS: Mapping[str, int] = {"F64": 0x7FF << 52, "F32": 0xFF << 23, "F16": 0x1F << 10, "BF16": 0xFF << 7}
"""The bits of each format's exponent: all of them are set in NaN and infinity, and in nothing else."""

CHUNK = 1 << 18  # numbers looked at together, which a processor's cache holds
LISTED = 20  # names in one error; whoever has more wrong than that has the wrong file


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that is still in its file.

    name: what it is called there. shape and dtype: what it is; dtype by
    safetensors' name ("F32", "BF16", "I8"). read: gives its numbers, as an
    array of that shape and of the type in `FLOATS`, a copy that is the caller's
    own. Raises WeightsError for damage, for other types, and for a file that
    was changed since it was opened. `finite` looks at the numbers, too.
    """

    name: str
    file: Path
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], NDArray[Any]]


@dataclass(frozen=True)
class StoredModel:
    """A model that is still in its files; `assemble` makes it a GPT.

    config: what shape it should have. source: the file that an error is about.
    tensors: what there is. names: what there should be. Both go by the names
    that the format uses. vocabulary: what its ids stand for, if that is known.
    """

    config: GPTConfig
    source: Path
    tensors: Mapping[str, StoredTensor]
    names: Mapping[str, TensorName]
    vocabulary: Vocabulary | None = None


def finite(tensor: StoredTensor) -> NDArray[Any]:
    """Read a tensor's numbers, as `read` does. Raises WeightsError, naming it, for NaN and infinity among them."""
    values = tensor.read()
    bits = values.reshape(-1).view(f"<u{values.itemsize}")
    exponent = bits.dtype.type(EXPONENTS[tensor.dtype])
    if any((bits[i : i + CHUNK] & exponent).max() == exponent for i in range(0, len(bits), CHUNK)):
        wrong = np.flatnonzero((bits & exponent) == exponent)
        place = ", ".join(str(index) for index in np.unravel_index(wrong[0], values.shape))
        raise WeightsError(
            f"{tensor.file}: {tensor.name} holds NaN or infinity in {len(wrong)} of its {len(bits)} numbers, first at "
            f"[{place}]. Its training diverged, or the file is damaged: take an earlier checkpoint, or download it."
        )
    return values


def check(stored: StoredModel) -> None:
    """Raise WeightsError unless exactly the right tensors are stored, of the right shape, with numbers to compute with.

    Whole numbers, which a quantised model has, mean nothing without its scales.
    """
    missing = [key for key in stored.names if key not in stored.tensors]
    unknown = [named(stored, key) for key in stored.tensors if key not in stored.names]
    mis_shaped = []
    for key, name in stored.names.items():
        shape = name.shape(stored.config)
        expected = shape[::-1] if name.in_out else shape
        if key in stored.tensors and (found := stored.tensors[key].shape) != expected:
            mis_shaped.append(f"{named(stored, key)} is {found} and should be {expected}")
    faults = [("missing", missing), ("not part of GPT-2", unknown), ("of the wrong shape", mis_shaped)]
    if any(tensors for _, tensors in faults):
        c = stored.config
        raise WeightsError(
            f"{stored.source} does not fit its configuration "
            f"(n_vocab = {c.n_vocab}, n_ctx = {c.n_ctx}, n_embd = {c.n_embd}, n_layer = {c.n_layer}): "
            + "; ".join(f"{fault}: {listing(tensors)}" for fault, tensors in faults if tensors)
            + ". Make sure that both belong to the same GPT-2."
        )
    for key in stored.names:
        tensor = stored.tensors[key]
        if tensor.dtype not in FLOATS:
            raise WeightsError(
                f"{tensor.file}: {key} holds {tensor.dtype}: a quantised model? "
                "Take its weights in float32, float16 or bfloat16."
            )


def with_vocabulary(stored: StoredModel, n_vocab: int) -> StoredModel:
    """Leave out the ids from n_vocab on. Raises WeightsError as `check` does, if there are any."""
    if stored.config.n_vocab == n_vocab:
        return stored
    check(stored)
    key = next(key for key, name in stored.names.items() if name.ours == "wte.weight")
    wte = stored.tensors[key]
    rows = replace(wte, shape=(n_vocab, *wte.shape[1:]), read=lambda: wte.read()[:n_vocab])
    return replace(stored, config=replace(stored.config, n_vocab=n_vocab), tensors={**stored.tensors, key: rows})


def named(stored: StoredModel, key: str) -> str:
    """Write a tensor's name, with its file where the model has several."""
    tensor = stored.tensors[key]
    return tensor.name if tensor.file == stored.source else f"{tensor.name} (in {tensor.file.name})"


def listing(names: list[str]) -> str:
    """Join the names, or the first of too many."""
    more = f", and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
