"""A task in the background, one at a time: a checkpoint is written while training goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A thread that does one task after the other, and keeps the result until it is asked for."""

    def __init__(self, name: str):
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._future: Future[T] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a task is being done, or its result was not taken yet."""
        return self._future is not None

    def begin(self, task: Callable[[], T]) -> None:
        """Begin a task. The result of the one before must have been taken."""
        assert self._future is None
        self._future = self._executor.submit(task)

    def result(self, wait: bool = False) -> T | None:
        """Take the result, if there is one yet, and raise what the task raised. wait: until it is there."""
        future = self._future
        if future is None or not (wait or future.done()):
            return None
        self._future = None
        return future.result()
