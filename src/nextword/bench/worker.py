"""A measured program in a process of its own."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from nextword.errors import NextwordError


class ProgramError(NextwordError):
    """A program that failed, or died; the last it said is in the message."""

    exit_code = 1


@dataclass(frozen=True)
class Answer:
    """The result of a call, its seconds in the worker, and the peak memory in bytes."""

    value: Any
    seconds: float
    peak_memory: int


class Worker:
    """A process that runs a program's methods, one call at a time.

    spec: `module:Class`. threads: for everything that reads
    OMP_NUM_THREADS. environment: variables besides. Use it in a `with`. While
    nothing is asked of it, it waits for a line and takes no time from others.
    """

    def __init__(self, spec: str, threads: int, environment: Mapping[str, str] | None = None):
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nextword.bench.worker", spec],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={
                **os.environ,
                "OMP_NUM_THREADS": str(threads),
                "TOKENIZERS_PARALLELISM": "false",
                **(environment or {}),
            },
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    def call(self, method: str, *arguments: Any) -> Answer:
        """Call a method of the program; a Path arrives as text. Raises ProgramError where it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = json.dumps({"method": method, "arguments": arguments}, default=str)
        with suppress(BrokenPipeError):  # where it is dead, reading says so
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ProgramError(f"{method} ended its process (status {self._process.wait()}). {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ProgramError(f"{method}: {answer['error']}")
        return Answer(answer["value"], answer["seconds"], answer["peak_memory"])

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # where it is dead already
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def _last_words(self) -> str:
        """The end of what the process wrote to standard error."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace")[-400:].strip()


def serve(spec: str) -> None:
    """Read calls from standard input, one JSON object a line, and answer each on standard output."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with the answers
    module, _, name = spec.partition(":")
    target = getattr(importlib.import_module(module), name)()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            began = time.perf_counter()
            value = getattr(target, request["method"])(*request["arguments"])
            seconds = time.perf_counter() - began
            answer = {"value": value, "seconds": seconds, "peak_memory": peak_memory()}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory() -> int:
    """Measure this process's peak memory in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    serve(sys.argv[1])
