"""The lock of a run's directory: one trainer writes there at a time."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from nextword.errors import RunError
from nextword.runtime.locks import acquire


class Holder(Protocol):
    """A holder of a directory in this process, which may have left it."""

    def suspended(self) -> Generator[object, None, None] | None:
        """Find the run that the asking thread began and left in the middle; closing it lets go."""


_HOLDERS: WeakValueDictionary[str, Holder] = WeakValueDictionary()


class RunLock:
    """The lock of a run's directory; `is_systems`: whether the system holds it and frees it after a crash."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = FileLock(path / ".lock", thread_local=False)  # one thread may begin a run, another end it
        self.is_systems = False

    def acquire(self, holder: Holder | None = None) -> None:
        """Lock the directory, until `release` or this process ends. Raises RunError where another trainer has it.

        holder: who can be asked for the directory by another trainer of this process.
        """
        self._path.mkdir(parents=True, exist_ok=True)
        if (run := suspended_in(self._path)) is not None:
            run.close()
        try:
            self.is_systems = acquire(self._lock, timeout=0)
        except Timeout as error:
            raise RunError(
                f"Another trainer is at work in {self._path}: wait until it has finished, or choose another `out`."
            ) from error
        if holder is not None:
            _HOLDERS[os.path.realpath(self._path)] = holder

    def release(self) -> None:
        """Let other trainers have the directory."""
        self._lock.release()


def suspended_in(path: Path) -> Generator[object, None, None] | None:
    """Find the run that this thread left here, as a notebook cell may."""
    holder = _HOLDERS.get(os.path.realpath(path))
    return None if holder is None else holder.suspended()
