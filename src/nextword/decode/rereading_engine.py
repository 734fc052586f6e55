"""Writing with any model that maps ids to logits, and remembers nothing: it reads the whole text for each token."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
from nextword.decode.choose import choose
from nextword.decode.sampling import Sampling


class RereadingEngine:
    """A function from ids (B, T) to logits (B, T, V) that writes n_rows texts side by side; see `Engine`.

    Without a cache the nth token costs as much as a text of n tokens. On the
    other hand nothing has to be kept true: this is what an engine with a cache
    can be compared with.
    """

    pace = 1

    def __init__(
        self,
        model: Callable[[Tensor], Tensor],
        config: GPTConfig,
        n_rows: int = 1,
        device: torch.device | str = "cpu",
    ):
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1, not {n_rows}.")
        self.config = config
        self.n_rows = n_rows
        self._model, self._device = model, device
        self._texts: list[list[int]] = [[] for _ in range(n_rows)]
        self._unscored: set[int] = set()  # rows of whose prompts nothing has been told

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Forget what this row holds, and read these ids, 1 to n_ctx of them. Raises ValueError for other ids."""
        check_row(self, row)
        check_text(ids, self.config)
        self._texts[row] = list(ids)
        self._unscored.add(row)

    def write(self, rows: Sequence[int], sampling: Sampling, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Write n tokens on each of these rows: numbers (n, R) in [0, 1) -> ids (n, R).

        Raises ValueError where a row has read nothing yet or has no room for n more, and NotFiniteError as
        `check_finite` does.
        """
        check_write(self, rows, numbers)
        chosen = np.zeros(numbers.shape, dtype=np.int64)
        for i in range(len(numbers)):
            for column, row in enumerate(rows):
                number = torch.tensor([numbers[i, column]], dtype=torch.float64)
                scores = self._next(row)
                check_finite(scores.numpy())
                chosen[i, column] = choose(sampling, scores.unsqueeze(0), number).item()
                self._texts[row].append(int(chosen[i, column]))
        return chosen

    def advance(
        self, rows: Sequence[int], at_most: int | None = None, scored: Collection[int] = ()
    ) -> dict[int, NDArray[np.float32]]:
        """The scores (n, V) of what follows these rows' texts, and every token of those in `scored`; see `Engine`."""
        check_advance(self, rows)
        found: dict[int, NDArray[np.float32]] = {}
        n_scored = 0
        for row in rows:
            is_new = row in scored and row in self._unscored
            if is_new:
                if n_scored and at_most is not None and n_scored + len(self._texts[row]) > at_most:
                    continue  # a prompt is scored whole, and its scores are large: one at a time
                n_scored += len(self._texts[row])
            found[row] = np.array((self._all(row) if is_new else self._next(row).unsqueeze(0)).numpy())
            self._unscored.discard(row)
        return found

    def put(self, rows: Sequence[int], ids: Sequence[int]) -> None:
        """Say which token comes next on each of these rows. Raises ValueError where there is no room."""
        check_put(self, rows, ids)
        for row, id in zip(rows, ids, strict=True):
            self._texts[row].append(id)

    def copy(self, row: int, onto: Sequence[int]) -> None:
        """Let other rows hold what this one holds. Raises ValueError where that is nothing."""
        check_copy(self, row, onto)
        for other in onto:
            self._texts[other] = list(self._texts[row])
            self._unscored.discard(other)

    def logits(self, row: int) -> NDArray[np.float32]:
        """The scores (V,) of this row's next token. Raises ValueError where n_ctx is full."""
        check_advance(self, [row])
        return np.array(self._next(row).numpy())

    def room(self, row: int) -> int:
        """How many more tokens can be written on this row: n_ctx + 1 - L after reading L."""
        check_row(self, row)
        return room_after(self, row, len(self._texts[row]))

    def _next(self, row: int) -> Tensor:
        """The scores (V,) of this row's next token, in float32 on the CPU."""
        return self._all(row)[-1]

    def _all(self, row: int) -> Tensor:
        """The scores (T, V) of what follows every token of this row's text, in float32 on the CPU."""
        with torch.no_grad():
            logits = self._model(torch.tensor([self._texts[row]], device=self._device))
        return logits[0].float().cpu()
