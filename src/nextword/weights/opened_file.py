"""A file of weights, copied from and never mapped, so that nobody changes a running model."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nextword.commands import quoted
from nextword.errors import WeightsError

POINTER = b"version https://git-lfs.github.com/spec/"


class OpenedFile:
    """A file to copy bytes from: replaced, it stays as it was; changed in place, it is refused.

    size: how many bytes it has. Raises OSError where it cannot be opened, and
    WeightsError for a pointer of git-lfs in its place.
    """

    def __init__(self, path: Path):
        self.path = path
        self._file = path.open("rb", buffering=0)
        self._state = self._look()
        self.size = self._state[0]
        if self.size < 1024:
            refuse_pointer(path, self._file.read())

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def read(self, begin: int, end: int) -> NDArray[np.uint8]:
        """Copy bytes `begin` up to `end`. Raises WeightsError where the file was changed since it was opened."""
        values = np.empty(end - begin, np.uint8)
        left = memoryview(values.data)
        self._file.seek(begin)
        while left and (n := self._file.readinto(left)):
            left = left[n:]
        if left or self._look() != self._state:
            raise WeightsError(f"{self.path} was changed while it was being read. Load it again when it is whole.")
        return values

    def _look(self) -> tuple[int, int]:
        """Read the file's size and time, which change with any writing."""
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


def refuse_pointer(path: Path, beginning: bytes) -> None:
    """Raise WeightsError for the pointer that git leaves of a large file before git-lfs fetches it."""
    if beginning.startswith(POINTER):
        raise WeightsError(
            f"{path} is a pointer of git-lfs, and the file itself has not been fetched. "
            f"Install git-lfs, then fetch it: git -C {quoted(path.parent)} lfs pull"
        )
