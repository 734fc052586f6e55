"""The engine: reads and writes several texts side by side, whatever computes the logits."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.config import GPTConfig
from nextword.decode.checks import check_text
from nextword.decode.sampler import Draw, Sampler, draw
from nextword.decode.sampling import Sampling

Floats = NDArray[np.float32]


class Chunk(NamedTuple):
    """Some tokens of a row's text, to be read in one forward pass.

    ids stand from the position `start` on, and all before them has been read.
    n_scored: of how many of them, the last ones, the logits are wanted.
    """

    row: int
    ids: list[int]
    start: int
    n_scored: int


class Engine(ABC):
    """Reads and writes several texts side by side, each on a row of its own.

    `forward` and `copy_cache` are what an engine consists of; all else is
    built on them here, once. A text's last token is read when the next one is
    wanted, and not before: nothing is computed in vain.

    steps_per_call: how many tokens to ask for at once: 1 on a CPU, more where waiting for each would cost time.
    chunk_tokens: how many tokens to read in one forward pass at most, where that is left to the engine.
    draw: what draws a token by its logits and a number.
    Raises ValueError for fewer rows than one.
    """

    steps_per_call = 1
    chunk_tokens = sys.maxsize
    draw: Draw = staticmethod(draw)

    def __init__(self, config: GPTConfig, n_rows: int = 1):
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1, not {n_rows}.")
        self.config, self.n_rows = config, n_rows
        self.texts: list[list[int]] = [[] for _ in range(n_rows)]
        self.n_read = [0] * n_rows  # how many tokens of each text are in the cache

    @abstractmethod
    def forward(self, chunks: Sequence[Chunk]) -> Sequence[Floats]:
        """Read these chunks, of a row each -> of each the logits (n_scored, V) of what follows its last tokens."""

    @abstractmethod
    def copy_cache(self, row: int, onto: Sequence[int], length: int) -> None:
        """Let the caches of other rows hold the first tokens of this one's."""

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Replace this row's text by these ids, 1 to n_ctx of them. Raises ValueError for other ids.

        They are read when something is wanted of them, so that several rows' can be read at once.
        """
        self._check_row(row)
        check_text(ids, self.config)
        self.texts[row], self.n_read[row] = list(ids), 0

    def write(self, rows: Sequence[int], sampling: Sampling, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Write n tokens on each of these rows: numbers (n, R) in [0, 1) -> ids (n, R).

        Each token is chosen by its row's logits and its number; penalties count what this call writes only. Raises as
        `sample` does.
        """
        return self.sample(rows, [Sampler(sampling) for _ in rows], numbers)

    def sample(
        self, rows: Sequence[int], samplers: Sequence[Sampler], numbers: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Write n tokens on each of these rows, with a sampler for each: numbers (n, R) in [0, 1) -> ids (n, R).

        Raises ValueError where a row has read nothing yet or has no room for n more, and NotFiniteError for logits
        that are no numbers.
        """
        self._check_write(rows, numbers)
        ids = np.empty(numbers.shape, np.int64)
        for i in range(len(numbers)):
            logits = self.next_logits(rows)
            for column, (row, sampler) in enumerate(zip(rows, samplers, strict=True)):
                ids[i, column] = sampler.choose(logits[row], numbers[i, column], draw=self.draw)
            self.append(rows, ids[i].tolist())
        return ids

    def next_logits(self, rows: Sequence[int]) -> dict[int, Floats]:
        """Read all that these rows hold -> by row the logits (V,) of its next token."""
        found: dict[int, Floats] = {}
        while left := [row for row in rows if row not in found]:
            found |= self.advance(left, max(self.chunk_tokens, len(left)))
        return {row: logits[-1] for row, logits in found.items()}

    def advance(
        self, rows: Sequence[int], at_most: int | None = None, scored: Collection[int] = ()
    ) -> dict[int, Floats]:
        """Read on, on these rows, in one forward pass -> logits (n, V) by row, not to be changed.

        at_most: how many tokens are to be read in this pass, the first rows'
        first; a row whose text is not read to its end is not in the answer, and
        goes on at the next call. scored: rows of which the logits after every
        token that is read are wanted; of the others, and where all was read
        before, those of the next token only. Raises ValueError where n_ctx is full.
        """
        for row in rows:
            if self.remaining(row) == 0:
                raise ValueError(f"row {row} holds {self.config.n_ctx} tokens and cannot see one more: read anew.")
        chunks = list(self._unread(rows, sys.maxsize if at_most is None else at_most, scored))
        answers = self.forward(chunks) if chunks else []
        for chunk in chunks:
            self.n_read[chunk.row] = chunk.start + len(chunk.ids)
        return {chunk.row: logits for chunk, logits in zip(chunks, answers, strict=True) if chunk.n_scored}

    def append(self, rows: Sequence[int], ids: Sequence[int]) -> None:
        """Append a token to each of these rows, chosen by someone else: the other half of `write`.

        Raises ValueError where there is no room.
        """
        if len(rows) != len(ids) or len(set(rows)) != len(rows):
            raise ValueError(
                f"{len(ids)} ids cannot be put on the rows {list(rows)}: give one for each, all different."
            )
        for row, id in zip(rows, ids, strict=True):
            check_text([id], self.config)
            if self.remaining(row) == 0:
                raise ValueError(f"row {row} has no room for one more token: read a shorter text.")
        for row, id in zip(rows, ids, strict=True):
            self.texts[row].append(id)

    def copy(self, row: int, onto: Sequence[int]) -> None:
        """Let other rows hold what this one holds, so that one prompt can be continued in several ways.

        Raises ValueError where that is nothing.
        """
        self.remaining(row)
        for other in onto:
            self._check_row(other)
        if row in onto or len(set(onto)) != len(onto):
            raise ValueError(f"row {row} cannot be copied onto the rows {list(onto)}: give others, all different.")
        if onto:
            self.copy_cache(row, onto, self.n_read[row])
        for other in onto:
            self.texts[other], self.n_read[other] = list(self.texts[row]), self.n_read[row]

    def remaining(self, row: int) -> int:
        """Count the tokens that still fit on this row: n_ctx + 1 - L after reading L.

        One more than n_ctx holds, since the last one need not be read.
        """
        self._check_row(row)
        if not self.texts[row]:
            raise ValueError(f"row {row} has read nothing yet: read() comes before all else.")
        return self.config.n_ctx + 1 - len(self.texts[row])

    def _unread(self, rows: Sequence[int], at_most: int, scored: Collection[int]) -> Iterator[Chunk]:
        """Divide at_most tokens among these rows' texts. Of what was read to its end the last one is read again."""
        for row in rows:
            text, start = self.texts[row], self.n_read[row]
            ids = text[start : start + at_most]
            at_most -= len(ids)
            if start == len(text):
                start, ids = start - 1, text[-1:]
            if ids:
                is_last = start + len(ids) == len(text)
                yield Chunk(row, ids, start, len(ids) if row in scored else int(is_last))

    def _check_row(self, row: int) -> None:
        if not 0 <= row < self.n_rows:
            raise ValueError(f"there is no row {row}: this engine has the rows 0 to {self.n_rows - 1}.")

    def _check_write(self, rows: Sequence[int], numbers: NDArray[np.float64]) -> None:
        """Raise ValueError unless there are numbers (n, R) for these rows, each of which has room for n tokens."""
        n = len(numbers)
        if numbers.shape != (n, len(rows)) or len(set(rows)) != len(rows):
            raise ValueError(
                f"numbers must be of the shape (tokens, rows), for rows that differ: "
                f"not {numbers.shape} for the rows {list(rows)}."
            )
        for row in rows:
            if (room := self.remaining(row)) < n:
                raise ValueError(f"row {row} has room for {room} tokens, not for {n}: read a shorter text.")
