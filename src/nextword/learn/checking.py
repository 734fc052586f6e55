"""Checking a learner's exercise: their code runs in another process, and a report comes back whatever it does."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from nextword.errors import NextwordError
from nextword.learn.folder import Course
from nextword.learn.report import Report

TIME_LIMIT = 20.0
"""How many seconds a check may take unless a learner says otherwise."""

STARTING_SECONDS = 120.0
"""How long importing torch may take on a slow machine."""


class CheckingError(NextwordError):
    """The process that checks could not be started, or ended itself."""

    exit_code = 1


class Checker:
    """Makes checks, and keeps a process warm for the next one, since importing torch takes a second.

    Where processes can be forked, one stays and forks for each check. Elsewhere
    a fresh one is started after each check, for the one to come.
    """

    def __init__(self, time_limit: float = TIME_LIMIT, forks: bool = hasattr(os, "fork")):
        if not time_limit > 0:
            raise ValueError(f"--time-limit must be a number of seconds above 0, not {time_limit:g}.")
        self.time_limit = time_limit
        self.forks = forks
        self._worker: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._errors: IO[bytes] | None = None

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    def check(self, course: Course, name: str) -> Report:
        """Check one exercise and note the outcome in the learner's progress. Raises CheckingError."""
        request = {"folder": str(course.path.resolve()), "exercise": name, "time_limit": self.time_limit}
        content = (json.dumps(request) + "\n").encode()
        done = self._through_forks(content) if self.forks else self._through_one(content, request)
        course.progress.checked(name, done.passed, done.sha256, [mistake["name"] for mistake in done.mistakes])
        return done

    def warm(self) -> subprocess.Popen[bytes]:
        """Start the process for the next check, if it does not run already."""
        if self._worker is not None and self._worker.poll() is None:
            return self._worker
        self.close()
        arguments = ["serve"]
        if not self.forks:
            self._scratch = tempfile.TemporaryDirectory(prefix="nextword-check-", ignore_cleanup_errors=True)
            arguments = ["once", self._scratch.name]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        # -P: what is called like a standard module in the current folder is not to be imported in its place.
        self._worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "nextword.learn.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors if self.forks else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the watching process
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return self._worker

    def close(self) -> None:
        """End the process that waits."""
        if self._worker is not None:
            for stream in (self._worker.stdin, self._worker.stdout):
                if stream is not None and not stream.closed:
                    with suppress(OSError):
                        stream.close()
            if not self.forks:
                self._worker.kill()
            self._worker.wait()
        if self._errors is not None:
            self._errors.close()
        if self._scratch is not None:
            self._scratch.cleanup()
        self._worker = self._scratch = self._errors = None

    def _through_forks(self, request: bytes) -> Report:
        worker = self.warm()
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(request)
            worker.stdin.flush()
            reply = worker.stdout.readline()
        except BrokenPipeError:
            reply = b""
        if not reply:
            status = worker.wait()
            raise CheckingError(f"The process that checks has ended (status {status}): {self._last_words()}")
        return Report.unpacked(json.loads(reply))

    def _last_words(self) -> str:
        if self._errors is None:
            return "it left no message."
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((text for text in reversed(lines) if text.strip()), "it left no message.")

    def _through_one(self, content: bytes, request: dict[str, object]) -> Report:
        from nextword.learn.worker import GRACE_SECONDS, Printed, outcome, wait

        worker = self.warm()
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert self._scratch is not None
        scratch = Path(self._scratch.name)
        printed = Printed(os.dup(worker.stdout.fileno()))
        with suppress(OSError):  # where it has ended, that shows below
            worker.stdin.write(content)
            worker.stdin.close()

        def ended() -> bool:
            return worker.poll() is not None

        wait(lambda: ended() or (scratch / "places").exists(), STARTING_SECONDS)
        status = worker.poll() if wait(ended, self.time_limit + GRACE_SECONDS) else None
        worker.kill()
        worker.wait()
        done = outcome(request, scratch, printed.text(), status)
        self.close()
        self.warm()
        return done
