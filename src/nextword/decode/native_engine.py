"""The engine in C for CPUs, which needs no PyTorch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.decode.engine import Chunk, Engine, Floats
from nextword.native import Network
from nextword.weights.stored import StoredModel, finite

if TYPE_CHECKING:
    from nextword.model import GPT


class NativeEngine(Engine):
    """Write with a GPT in C, n_rows texts side by side.

    format: "float32", "bfloat16", "int8" or "int4", what the matrices are held
    in. Writing one token means reading all of them once, so half the bits make
    nearly twice the speed. Beside int8 and int4, the inputs of every product
    are rounded to 8 bits as well, in groups of 64, where the processor has
    instructions for that. tensors: see `Network`.
    """

    chunk_tokens = 256  # more would need more memory to work in, and would not be faster

    def __init__(self, config: GPTConfig, tensors: Mapping[str, Floats], n_rows: int = 1, format: str = "float32"):
        super().__init__(config, n_rows)
        self._network = Network(config, tensors, format)
        self._memory = self._network.memory(n_rows)

    @classmethod
    def from_stored(
        cls, stored: StoredModel, n_rows: int = 1, dtype: str | None = None, quantize: str | None = None
    ) -> "NativeEngine":
        """Write with a model that is still in its files. Raises WeightsError as `stored.finite` does.

        dtype: "float32" or "bfloat16"; without it, bfloat16 if all weights are
        stored so. quantize: "int8" or "int4", for the matrices, in dtype's place.
        """
        if dtype is None and all(stored.tensors[key].dtype == "BF16" for key in stored.names):
            dtype = "bfloat16"
        return cls(stored.config, Unread(stored), n_rows, quantize or dtype or "float32")

    @classmethod
    def from_model(cls, model: "GPT", n_rows: int = 1) -> "NativeEngine":
        """Write with a GPT on the CPU, whose float32 weights are shared, not copied."""
        import torch

        in_bfloat16 = model.wte.weight.dtype == torch.bfloat16
        tensors = {name: parameter.detach().float().numpy() for name, parameter in model.named_parameters()}
        return cls(model.config, tensors, n_rows, "bfloat16" if in_bfloat16 else "float32")

    @property
    def format(self) -> str:
        """The format of the matrices."""
        return self._network.format

    def forward(self, chunks: Sequence[Chunk]) -> list[Floats]:
        """Read all chunks in one pass over the weights -> of each the logits (n_scored, V)."""
        ids: list[int] = []
        rows: list[int] = []
        positions: list[int] = []
        scored: list[int] = []  # indices among the tokens
        for chunk in chunks:
            ids += chunk.ids
            rows += [chunk.row] * len(chunk.ids)
            positions += range(chunk.start, chunk.start + len(chunk.ids))
            scored += range(len(ids) - chunk.n_scored, len(ids))
        logits = self._network.forward(self._memory, ids, rows, positions, scored)
        return np.split(logits, np.cumsum([chunk.n_scored for chunk in chunks[:-1]], dtype=int))

    def copy_cache(self, row: int, onto: Sequence[int], length: int) -> None:
        """Copy the first keys and values of a row."""
        self._memory.copy(row, onto, length)


class Unread(Mapping[str, NDArray[np.float32]]):
    """Read a stored model's tensors by our names, each when it is asked for.

    So those that are packed into fewer bits are never all in memory at once.
    """

    def __init__(self, stored: StoredModel):
        self._tensors = stored.tensors
        self._places = {name.ours: (key, name.in_out) for key, name in stored.names.items()}

    def __getitem__(self, ours: str) -> NDArray[np.float32]:
        key, in_out = self._places[ours]
        numbers = in_float32(finite(self._tensors[key]), self._tensors[key].dtype)
        return numbers.T if in_out else numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def in_float32(numbers: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    """Convert stored numbers to float32; those that are float32 already are not copied."""
    if dtype == "BF16":  # the upper half of a float32
        return (numbers.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return numbers.astype(np.float32, copy=False)
