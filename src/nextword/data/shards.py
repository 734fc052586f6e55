"""Token shards: ids in files of llm.c's format, read a stretch at a time.

    256 int32    magic 20240520, version 1, count of tokens, zeros     uint16 ids follow
                 magic 20240801, version 7, count of tokens, zeros     uint32 ids follow

All of it is little-endian. modded-nanogpt's files are the same as the first. A stretch is read from the file each time,
and not by a memory map: one whose file is cut short stops the program (SIGBUS), and this an error with its name.
"""

import hashlib
import itertools
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nextword.data.files import unreadable
from nextword.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

HEADER = 256 * 4  # bytes
Stored = np.dtype[np.unsignedinteger]
FORMATS: dict[tuple[int, int], Stored] = {(20240520, 1): np.dtype("<u2"), (20240801, 7): np.dtype("<u4")}
"""Magic and version -> how an id is stored. Source: llm.c, dev/data/data_common.py."""

MOST_TOKENS = 2**31 - 1
"""The header counts no further."""

EXPECTED = "Expected a shard of token ids as llm.c and nextword write them"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Shard:
    """A file of token ids, whose header was found sound. size and changed (ns) are those of the file then."""

    path: Path
    n_tokens: int
    dtype: Stored
    size: int
    changed: int

    def read(self, start: int, end: int) -> NDArray[np.unsignedinteger]:
        """Read the ids from start to end. Raises DataError where the file is no longer what it was."""
        try:
            with self.path.open("rb", buffering=0) as file:
                found = os.fstat(file.fileno())
                if (found.st_size, found.st_mtime_ns) != (self.size, self.changed):
                    raise DataError(f"{self.path}: has changed since it was opened. Begin anew, or put it back.")
                file.seek(HEADER + start * self.dtype.itemsize)
                ids = np.fromfile(file, self.dtype, end - start)
        except OSError as error:
            raise unreadable(error, str(self.path), "Is its disk still there?") from error
        if len(ids) != end - start:
            raise DataError(f"{self.path}: was cut short while it was read. Begin anew, or put it back.")
        return ids

    def sha256(self) -> str:
        """Compute the digest (hex) of the whole file."""
        digest = hashlib.sha256()
        try:
            with self.path.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
        except OSError as error:
            raise unreadable(error, str(self.path)) from error
        return digest.hexdigest()


def open_shard(path: Path) -> Shard:
    """Read a shard's header. Raises DataError for a file that is foreign, cut short, or longer than it says."""
    try:
        with path.open("rb") as file:
            head = file.read(HEADER)
            about = os.fstat(file.fileno())
    except OSError as error:
        raise unreadable(error, str(path)) from error
    numbers = np.frombuffer(head[: len(head) // 4 * 4], "<i4")
    dtype = FORMATS.get((int(numbers[0]), int(numbers[1]))) if len(numbers) > 1 else None
    if dtype is None:
        begins = f"begins with {', '.join(map(str, numbers[:2]))}" if len(numbers) > 1 else f"has {about.st_size} bytes"
        raise DataError(f"{path}: {begins}. {EXPECTED}, which begins with 20240520, 1. Leave it out, or make it anew.")
    n_tokens = int(numbers[2]) if len(numbers) > 2 else -1
    expected = HEADER + n_tokens * dtype.itemsize
    if len(head) < HEADER or n_tokens < 0 or about.st_size != expected:
        fault = "cut short" if n_tokens < 0 or about.st_size < expected else "longer than its header says"
        raise DataError(
            f"{path}: is {fault}: {about.st_size:,} bytes, and its {max(n_tokens, 0):,} tokens take "
            f"{max(expected, HEADER):,}. Fetch or make it anew."
        )
    return Shard(path, n_tokens, dtype, about.st_size, about.st_mtime_ns)


def token_type(n_vocab: int) -> Stored:
    """Choose how ids are stored: in two bytes if they fit, else in four."""
    return np.dtype("<u2" if n_vocab <= 65_535 else "<u4")


def header(n_tokens: int, dtype: Stored) -> bytes:
    """Make a shard's header."""
    numbers = np.zeros(256, "<i4")
    numbers[:2] = next(marks for marks, stored in FORMATS.items() if stored == dtype)
    numbers[2] = n_tokens
    return numbers.tobytes()


class TokenFiles:
    """The ids of shards, one after the other, as a sequence whose slices are read from the files.

    A slice is a tensor (n,) int32. n_vocab: an id that is not below it is an error with the file's name.
    `part` is a shorter sequence of the same files.
    """

    def __init__(self, shards: Sequence[Shard], n_vocab: int, start: int = 0, end: int | None = None):
        self.shards, self.n_vocab = tuple(shards), n_vocab
        self._ends = [*itertools.accumulate(shard.n_tokens for shard in shards)]
        n = self._ends[-1] if self._ends else 0
        self._start, self._end = min(start, n), n if end is None else min(end, n)

    def __len__(self) -> int:
        return max(0, self._end - self._start)

    def __getitem__(self, stretch: slice) -> "Tensor":
        import torch

        start, end, _ = stretch.indices(len(self))
        return torch.from_numpy(self.read(start, end))

    def part(self, start: int, end: int) -> "TokenFiles":
        """Take the ids from start to end, without reading them."""
        return TokenFiles(self.shards, self.n_vocab, self._start + start, self._start + end)

    def read(self, start: int, end: int) -> NDArray[np.int32]:
        """Read the ids from start to end, which may lie in several files. Raises DataError for what is wrong there."""
        at, end = self._start + start, self._start + end
        found = np.empty(max(0, end - at), np.int32)
        filled = 0
        while at < end:
            i = bisect_right(self._ends, at)
            shard = self.shards[i]
            begin = self._ends[i] - shard.n_tokens
            ids = shard.read(at - begin, min(end, self._ends[i]) - begin)
            if len(ids) and (largest := int(ids.max())) >= self.n_vocab:
                raise DataError(
                    f"{shard.path}: has the id {largest}, and the vocabulary ends at {self.n_vocab - 1}. "
                    "Name the tokenizer that made it by `tokenizer`."
                )
            found[filled : filled + len(ids)] = ids
            at, filled = at + len(ids), filled + len(ids)
        return found
