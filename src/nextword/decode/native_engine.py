"""Writing on a CPU with our own engine in C, without PyTorch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.decode.checks import (
    check_advance,
    check_copy,
    check_finite,
    check_put,
    check_row,
    check_text,
    check_write,
    room_after,
)
from nextword.decode.sampler import draw
from nextword.decode.sampling import Sampling
from nextword.native import Network
from nextword.weights.stored import StoredModel, finite

if TYPE_CHECKING:
    from nextword.model import GPT

TOKENS_AT_ONCE = 256  # to read; more would need more memory to work in, and would not be faster


class NativeEngine:
    """A GPT that writes n_rows texts side by side, in C; see `Engine`.

    format: "float32", "bfloat16", "int8" or "int4", what the matrices are held
    in. Writing one token means reading all of them once, so half the bits make
    nearly twice the speed. Beside int8 and int4, the inputs of every product
    are rounded to 8 bits as well, in groups of 64, where the processor has
    instructions for that. tensors: see `Network`.
    """

    pace = 1

    def __init__(
        self, config: GPTConfig, tensors: Mapping[str, NDArray[np.float32]], n_rows: int = 1, format: str = "float32"
    ):
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1, not {n_rows}.")
        self.config = config
        self.n_rows = n_rows
        self._network = Network(config, tensors, format)
        self._memory = self._network.memory(n_rows)
        self._lengths = [0] * n_rows  # tokens that each row's memory holds
        self._logits: list[NDArray[np.float32] | None] = [None] * n_rows  # of what follows them
        self._unread: list[list[int]] = [[] for _ in range(n_rows)]  # of a prompt, or chosen

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
        """Write with a GPT on the CPU; its float32 weights are used where they lie, also as they learn."""
        import torch

        in_bfloat16 = model.wte.weight.dtype == torch.bfloat16
        tensors = {name: parameter.detach().float().numpy() for name, parameter in model.named_parameters()}
        return cls(model.config, tensors, n_rows, "bfloat16" if in_bfloat16 else "float32")

    @property
    def format(self) -> str:
        """What the matrices are held in."""
        return self._network.format

    @property
    def bytes_per_token(self) -> int:
        """How much has to be read to write a token, besides the keys and values."""
        return self._network.matrix_bytes

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Forget what this row holds, and read these ids, 1 to n_ctx of them. Raises ValueError for other ids.

        It is done when something is wanted of them, so that several rows' can be read at once.
        """
        check_row(self, row)
        check_text(ids, self.config)
        self._lengths[row], self._unread[row], self._logits[row] = 0, list(ids), None

    def write(self, rows: Sequence[int], sampling: Sampling, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Write n tokens on each of these rows: numbers (n, R) in [0, 1) -> ids (n, R).

        Raises ValueError where a row has read nothing yet or has no room for n more, and NotFiniteError as
        `check_finite` does.
        """
        check_write(self, rows, numbers)
        ids = np.empty(numbers.shape, np.int64)
        for i in range(len(numbers)):
            self._catch_up(rows)
            for r, row in enumerate(rows):
                scores = self._scores(row)
                check_finite(scores)
                ids[i, r] = draw(scores, sampling, numbers[i, r])
                self._unread[row].append(int(ids[i, r]))
        return ids

    def advance(
        self, rows: Sequence[int], at_most: int | None = None, scored: Collection[int] = ()
    ) -> dict[int, NDArray[np.float32]]:
        """Read on, on these rows, in one pass over the weights -> scores (n, V) by row; see `Engine`."""
        check_advance(self, rows)
        at_most = sum(len(self._unread[row]) for row in rows) if at_most is None else at_most
        ids: list[int] = []
        places: list[int] = []
        positions: list[int] = []
        wanted: list[int] = []  # indices of tokens: what follows them is scored
        shares: list[tuple[int, int, int]] = []  # row, where its scores begin, and how many there are
        for row in rows:
            some = self._unread[row][: at_most - len(ids)]
            if not some:
                continue
            is_last = len(some) == len(self._unread[row])
            first = 0 if row in scored else len(some) - is_last
            shares.append((row, len(wanted), len(some) - first))
            wanted.extend(range(len(ids) + first, len(ids) + len(some)))
            ids += some
            places += [row] * len(some)
            positions += range(self._lengths[row], self._lengths[row] + len(some))
        found = {}
        if ids:
            logits = self._network.forward(self._memory, ids, places, positions, wanted)
            for row, begin, count in shares:
                n_read = places.count(row)
                self._lengths[row] += n_read
                del self._unread[row][:n_read]
                if count:
                    found[row] = logits[begin : begin + count]
                self._logits[row] = None if self._unread[row] else logits[begin + count - 1]
            self._let_go(except_of=rows)
        for row in rows:
            known = self._logits[row]
            if row not in found and known is not None and not self._unread[row]:
                found[row] = known[np.newaxis]
        return found

    def put(self, rows: Sequence[int], ids: Sequence[int]) -> None:
        """Say which token comes next on each of these rows. Raises ValueError where there is no room."""
        check_put(self, rows, ids)
        for row, id in zip(rows, ids, strict=True):
            self._unread[row].append(id)

    def copy(self, row: int, onto: Sequence[int]) -> None:
        """Let other rows hold what this one holds. Raises ValueError where that is nothing."""
        check_copy(self, row, onto)
        self._memory.copy(row, onto, self._lengths[row])
        for other in onto:
            self._lengths[other], self._unread[other] = self._lengths[row], list(self._unread[row])
            self._logits[other] = self._logits[row]

    def logits(self, row: int) -> NDArray[np.float32]:
        """The scores (V,) of this row's next token. Raises ValueError where n_ctx is full."""
        check_advance(self, [row])
        self._catch_up([row])
        return self._scores(row).copy()

    def room(self, row: int) -> int:
        """How many more tokens can be written on this row."""
        check_row(self, row)
        return room_after(self, row, self._lengths[row] + len(self._unread[row]))

    def _catch_up(self, rows: Sequence[int]) -> None:
        """Read all that is unread on these rows, in as few passes over the weights as can be."""
        while any(self._unread[row] for row in rows):
            self.advance(rows, max(TOKENS_AT_ONCE, len(rows)))

    def _let_go(self, except_of: Sequence[int]) -> None:
        """Take out of an earlier pass's scores what rows that rest still need, so that the others' can be forgotten."""
        resting = set(range(self.n_rows)).difference(except_of)
        for row in resting:
            scores = self._logits[row]
            if scores is not None and scores.base is not None:
                self._logits[row] = scores.copy()

    def _scores(self, row: int) -> NDArray[np.float32]:
        scores = self._logits[row]
        assert scores is not None
        return scores


class Unread(Mapping[str, NDArray[np.float32]]):
    """A stored model's tensors by our names, as `Network` wants them, each read when it is asked for.

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
    """Stored numbers in float32; those that are float32 already are not copied."""
    if dtype == "BF16":  # the upper half of a float32
        return (numbers.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return numbers.astype(np.float32, copy=False)
