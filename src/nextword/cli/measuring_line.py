"""The progress of a long command, on one line of a terminal."""

import sys
import time


class MeasuringLine:
    """Show a line on a terminal with the items done and the time left."""

    def __init__(self, name: str):
        self._name, self._began, self._first = name, time.monotonic(), 0
        self._shows = sys.stderr.isatty()

    def tell(self, done: int, of: int) -> None:
        """Show that so many items are done."""
        from nextword.cli.durations import duration

        if done == 0 or (not self._first and done < of):
            self._first = done
        if self._shows:
            spent, new = time.monotonic() - self._began, done - self._first
            left = f", {duration(spent / new * (of - done))} left" if new and done < of else ""
            print(f"\r{self._name}: {done:,} of {of:,}{left}\x1b[K", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._shows:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
