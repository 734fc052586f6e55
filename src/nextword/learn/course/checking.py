"""Checking a learner's exercise: their code runs in another process, and a report comes back whatever it does."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from nextword.errors import NextwordError
from nextword.learn.checker.report import Report
from nextword.learn.course.folder import Course

TIME_LIMIT = 20.0
"""How many seconds a check may take unless a learner says otherwise."""

STARTING_SECONDS = 120.0
"""How long importing torch may take on a slow machine."""

ASKING_SECONDS = 0.2
"""How often it is asked whether a check that runs has been superseded."""


SETTINGS = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
"""One thread and no GPU: a process that has used either cannot be forked, and experiments are small."""


class CheckingError(NextwordError):
    """The process that checks could not be started, or ended itself."""

    exit_code = 1


class Checker:
    """Make checks, each in a process of its own, and keep one warm for the next.

    Where processes can be forked, one stays and forks for each check. Elsewhere
    (on a Mac, too, whose own libraries are not made for that) a fresh one is
    started after each check, for the one to come.
    """

    def __init__(self, time_limit: float = TIME_LIMIT, forks: bool = hasattr(os, "fork") and sys.platform != "darwin"):
        if not time_limit > 0:
            raise ValueError(f"--time-limit must be a number of seconds above 0, not {time_limit:g}.")
        self.time_limit = time_limit
        self.forks = forks
        self._worker: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    def check(self, course: Course, name: str) -> Report:
        """Check one exercise and note the outcome in the learner's progress. Raises CheckingError."""
        done = self.check_unless(course, name, superseded=bool)
        assert done is not None
        return done

    def check_unless(self, course: Course, name: str, superseded: Callable[[], bool]) -> Report | None:
        """The same, for a check that may become pointless.

        superseded: asked from time to time while it runs; once it says yes, the
        check is given up, and None is given back.
        """
        with tempfile.TemporaryDirectory(prefix="nextword-check-", ignore_cleanup_errors=True) as scratch:
            request = {"folder": str(course.path.resolve()), "exercise": name, "time_limit": self.time_limit}
            request["scratch"] = scratch
            make = self._through_forks if self.forks else self._through_one
            done = make(request, Path(scratch), superseded)
        if done is not None:
            mistakes, attempted = [mistake["name"] for mistake in done.mistakes], done.status != "unfinished"
            course.progress.checked(name, done.passed, done.sha256, mistakes, attempted)
        return done

    def warm(self) -> subprocess.Popen[bytes]:
        """Start the process for the next check, if it does not run already."""
        if self._worker is not None and self._worker.poll() is None:
            return self._worker
        self.close()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        # -P: what is called like a standard module in the current folder is not to be imported in its place.
        self._worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "nextword.learn.course.worker", "serve" if self.forks else "once"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors if self.forks else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the watching process
            env=os.environ | SETTINGS,
        )
        return self._worker

    def close(self) -> None:
        """End the waiting process at once."""
        if self._worker is not None:
            self._worker.kill()
            for stream in (self._worker.stdin, self._worker.stdout):
                if stream is not None and not stream.closed:
                    with suppress(OSError):
                        stream.close()
            self._worker.wait()
        if self._errors is not None:
            self._errors.close()
        self._worker = self._errors = None

    def _through_forks(self, request: dict[str, Any], scratch: Path, superseded: Callable[[], bool]) -> Report | None:
        worker = self.warm()
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(BrokenPipeError):  # where it has ended, that shows below
            worker.stdin.write((json.dumps(request) + "\n").encode())
            worker.stdin.flush()
        reply: list[bytes] = []
        reading = threading.Thread(target=lambda: reply.append(worker.stdout.readline()), daemon=True)  # type: ignore[union-attr]
        reading.start()
        cancelled = False
        try:
            while reading.is_alive():
                reading.join(ASKING_SECONDS)
                if reading.is_alive() and not cancelled and superseded():
                    cancelled = True
                    (scratch / "cancel").touch()
        except BaseException:  # Ctrl-C: what is still read from cannot be closed
            (scratch / "cancel").touch()
            reading.join()
            raise
        if not reply[0]:
            status = worker.wait()
            raise CheckingError(f"The process that checks has ended (status {status}): {self._last_words()}")
        return None if cancelled else Report.unpacked(json.loads(reply[0]))

    def _last_words(self) -> str:
        if self._errors is None:
            return "it left no message."
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((text for text in reversed(lines) if text.strip()), "it left no message.")

    def _through_one(self, request: dict[str, Any], scratch: Path, superseded: Callable[[], bool]) -> Report | None:
        from nextword.learn.course.worker import GRACE_SECONDS, Printed, outcome, wait

        worker = self.warm()
        assert worker.stdin is not None
        assert worker.stdout is not None
        printed = Printed(os.dup(worker.stdout.fileno()))
        with suppress(OSError):  # where it has ended, that shows below
            worker.stdin.write((json.dumps(request) + "\n").encode())
            worker.stdin.close()

        def ended() -> bool:
            return worker.poll() is not None

        wait(lambda: ended() or (scratch / "places").exists(), STARTING_SECONDS)
        in_time = wait(ended, self.time_limit + GRACE_SECONDS, superseded)
        cancelled = not in_time and superseded()
        status = worker.poll()
        worker.kill()
        worker.wait()
        done = None if cancelled else outcome(request, scratch, printed.text(), status)
        self.close()
        self.warm()
        return done
