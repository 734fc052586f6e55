"""Run learners' code in a process of its own: `python -m nextword.learn.course.worker`, with one of

    serve                 read requests, a line of JSON each, and answer each with a line: the report. Each check is
                          made by a fork of this process, which has torch imported already
    once                  import all exercises, wait for one request, and make that check in this very process

See `checking.py`, which starts it.
"""

import faulthandler
import json
import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import torch

from nextword.learn.checker.diagnosis import PAIR_SECONDS, diagnose, expected
from nextword.learn.checker.exercise import RIGHT, Exercise
from nextword.learn.checker.report import Report, with_circumstances
from nextword.learn.checker.track import TRACK
from nextword.learn.checker.wording import report
from nextword.learn.course.failing import internal, stopped, unreadable
from nextword.learn.course.folder import Course
from nextword.learn.course.importing import load
from nextword.learn.course.parts import LearnersParts
from nextword.learn.course.uncompiled import spare_the_compiler

KEPT_BYTES = 2000
"""How much of what the learner's code prints is kept from its beginning, and as much from its end."""

IDLE_SECONDS = 0.3
"""How long no request has come when there is time to prepare for one."""

GRACE_SECONDS = 0.5
"""How much longer than its time limit a check may live, to write down where it was."""

Request = dict[str, Any]
"""folder, exercise, time_limit, and scratch: a folder for the check, where a file `cancel` ends it early."""


def main(arguments: list[str]) -> None:
    """Serve, or make one check."""
    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    spare_the_compiler()
    if arguments[:1] == ["serve"]:
        serve()
    else:
        list(TRACK)
        request = json.loads(sys.stdin.readline())
        run_here(request, Path(request["scratch"]))


def serve() -> None:
    """Answer requests until there are no more."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library may print here is no reply
    if not asked(within=IDLE_SECONDS):
        list(TRACK)
    while text := sys.stdin.readline():
        request = json.loads(text)
        exercise = TRACK[request["exercise"]]  # what a fork imports, the next one imports again
        done = check_in_fork(request, Path(request["scratch"]), replies)
        replies.write(json.dumps(done.packed()) + "\n")
        replies.flush()
        foresee(exercise)


def asked(within: float = 0.0) -> bool:
    """Wait so many seconds for a request; False if none comes."""
    return bool(select.select([sys.stdin], [], [], within)[0])


def foresee(exercise: Exercise) -> None:
    """Compute what each mistake of an exercise leads to, until the next request comes."""
    for mistakes in (RIGHT, *(frozenset({mistake.name}) for mistake in exercise.mistakes)):
        if asked():
            return
        expected(exercise, mistakes)


def check_in_fork(request: Request, scratch: Path, replies: TextIO) -> Report:
    """Make one check in a process of its own, which may be ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()  # whatever it starts can be ended with it
        os.close(reading)
        replies.close()
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        run_here(request, scratch)
    os.close(writing)
    printed = Printed(reading)
    status: list[int] = []

    def ended() -> bool:
        pid, code = os.waitpid(child, os.WNOHANG)
        if pid:
            status.append(os.waitstatus_to_exitcode(code))
        return bool(pid)

    def end() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)

    cancelled = (scratch / "cancel").exists
    in_time = wait(ended, request["time_limit"] + GRACE_SECONDS, cancelled)
    end()
    if not in_time:
        os.waitpid(child, 0)
    return outcome(request, scratch, printed.text(), status[0] if status else None)


def run_here(request: Request, scratch: Path) -> None:
    """Make one check in this process, and end it. The report goes into a file of its own, whatever is printed."""
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(number, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
    with open(scratch / "places", "w") as places:
        faulthandler.enable(places)
        faulthandler.dump_traceback_later(request["time_limit"], file=places)
        done = examine(request)
        faulthandler.cancel_dump_traceback_later()
        beside = scratch / "report.tmp"
        beside.write_text(json.dumps(done.packed()), encoding="utf-8")
        beside.rename(scratch / "report")
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(0)  # threads or exit handlers that the learner's code left behind are not waited for


def examine(request: Request) -> Report:
    """Run the learner's code and say what it is worth."""
    course, exercise = Course(Path(request["folder"])), TRACK[request["exercise"]]
    start = time.monotonic()
    sha256, file = course.sha256(exercise.name), course.files(exercise.name)[0].name
    parts = LearnersParts(course.path, being_checked=exercise.name)
    os.chdir(course.path)
    course = Course(Path.cwd())
    sys.path[:0] = [str(course.path)]
    sys.modules["parts"] = parts  # also for imports inside functions, and whatever the learner's parts.py says
    try:
        theirs = load(course, exercise, parts)
    except (Exception, SystemExit) as failure:
        found = unreadable(exercise, failure, file)
    else:
        try:
            pair_seconds = min(PAIR_SECONDS, request["time_limit"] / 4)
            found = report(exercise, diagnose(exercise, theirs, pair_seconds), file, theirs)
        except SystemExit:
            found = stopped(exercise, "crashed", "Your code ends the program (exit): let it return instead.", None)
        except Exception as failure:
            found = internal(exercise, failure)
    notes = tuple(dict.fromkeys(parts.notes))
    return with_circumstances(found, notes=notes, sha256=sha256, seconds=round(time.monotonic() - start, 3))


def outcome(request: Request, scratch: Path, output: str, status: int | None) -> Report:
    """The report that a check wrote, or why there is none. status: how its process ended, None if it was killed."""
    try:
        done = Report.unpacked(json.loads((scratch / "report").read_text(encoding="utf-8")))
    except FileNotFoundError:
        done = without_report(request, scratch, status)
    return with_circumstances(done, output=output)


def without_report(request: Request, scratch: Path, status: int | None) -> Report:
    """Report a check that timed out or crashed."""
    course, exercise = Course(Path(request["folder"])), TRACK[request["exercise"]]
    place = last_place(scratch / "places", course, exercise)
    if status is None:
        reason = f"It did not come to an end within {request['time_limit']:g} seconds. Is there a loop that never ends?"
        done = stopped(exercise, "timeout", f"{reason}{' This is where it was:' if place else ''}", place)
    elif status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        memory = " Often that is memory that ran out." if name == "SIGKILL" else ""
        done = stopped(exercise, "crashed", f"Your code made Python crash ({name}).{memory}", place)
    else:
        done = stopped(
            exercise, "crashed", f"Your code ended the program (exit status {status}): let it return.", place
        )
    return with_circumstances(done, sha256=course.sha256(exercise.name))


def last_place(dump: Path, course: Course, exercise: Exercise) -> tuple[str, int, str] | None:
    """The innermost line of the learner's in a dump of faulthandler's: (file, line, what stands there)."""
    try:
        text = dump.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    theirs = {str(file) for file in course.files(exercise.name)}
    for path, number in re.findall(r'File "(.+?)", line (\d+) in ', text):
        file = Path(path)
        if str(file.resolve()) in theirs or course.path.resolve() in file.resolve().parents:
            try:
                source = file.read_text(encoding="utf-8").splitlines()[int(number) - 1].strip()
            except (OSError, IndexError, UnicodeDecodeError):
                source = ""
            return file.name, int(number), source
    return None


def wait(ended: Callable[[], bool], seconds: float, cancelled: Callable[[], bool] = bool) -> bool:
    """Wait for something to end; False after a timeout or a cancellation."""
    deadline, pause = time.monotonic() + seconds, 0.002
    while not ended():
        if time.monotonic() > deadline or cancelled():
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True


class Printed:
    """Read all that a process prints, and keep its beginning and its end."""

    def __init__(self, descriptor: int):
        self._begin, self._end, self._dropped = b"", b"", 0
        self._descriptor = descriptor
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with os.fdopen(self._descriptor, "rb", buffering=0) as stream:
            while piece := stream.read(1 << 16):
                space = KEPT_BYTES - len(self._begin)
                self._begin += piece[:space]
                tail = self._end + piece[space:] if space < len(piece) else self._end
                self._dropped += max(0, len(tail) - KEPT_BYTES)
                self._end = tail[-KEPT_BYTES:]

    def text(self) -> str:
        """All of it, or its beginning and its end. Waits a moment for what is still to be read."""
        self._thread.join(1.0)
        between = f"\n... ({self._dropped:,} bytes left out) ...\n".encode() if self._dropped else b""
        return (self._begin + between + self._end).decode("utf-8", errors="replace")


if __name__ == "__main__":
    main(sys.argv[1:])
