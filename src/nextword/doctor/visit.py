"""Review a user model in a process of its own, with limits on time and memory."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nextword.doctor.findings import DoctorError, Finding, Location
from nextword.doctor.review import Review
from nextword.errors import NextwordError
from nextword.learn.course.worker import GRACE_SECONDS, Printed, wait

TIME_LIMIT = 120.0
"""How many seconds a review may take unless the user says otherwise."""

STARTING_SECONDS = 120.0
"""How long importing torch may take on a slow machine."""


class VisitError(NextwordError):
    """The process that reviews could not be started, or ended itself."""

    exit_code = 1


def visit(spec: str, expression: str | None = None, time_limit: float = TIME_LIMIT) -> Review:
    """Review what a file or module's name stands for, in another process.

    Raises DoctorError where there is nothing that could be reviewed, and
    ValueError for a time limit that is none.
    """
    if not time_limit > 0:
        raise ValueError(f"--time-limit must be a number of seconds above 0, not {time_limit:g}.")
    request = {"spec": spec, "make": expression, "time_limit": time_limit, "folder": str(Path.cwd())}
    with tempfile.TemporaryDirectory(prefix="nextword-doctor-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        # -P: what is called like a standard module in the current folder is not to be imported in its place.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nextword.doctor.worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that whatever it starts can be ended with it
            env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg"},
        )
        try:
            return attend(process, request, scratch)
        finally:
            with suppress(ProcessLookupError, PermissionError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()


def attend(process: "subprocess.Popen[bytes]", request: Mapping[str, object], scratch: Path) -> Review:
    """Wait for a review, or report its failure."""
    assert process.stdin is not None
    assert process.stdout is not None
    printed = Printed(os.dup(process.stdout.fileno()))
    with suppress(OSError):  # where it has ended, that shows below
        process.stdin.write((json.dumps(request) + "\n").encode())
        process.stdin.close()

    def ended() -> bool:
        return process.poll() is not None

    wait(lambda: ended() or (scratch / "places").exists(), STARTING_SECONDS)
    in_time = wait(ended, float(str(request["time_limit"])) + GRACE_SECONDS)
    answer = scratch / "answer"
    if not answer.exists():
        if in_time and not (scratch / "places").exists():
            raise VisitError(f"The process that reviews has ended (status {process.poll()}): {printed.text().strip()}")
        return without_answer(request, scratch, process.poll() if in_time else None, printed.text())
    done = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in done:
        raise DoctorError(done["error"])
    return replace(Review.unpacked(done["review"]), output=printed.text())


def without_answer(request: Mapping[str, object], scratch: Path, status: int | None, output: str) -> Review:
    """Report a model that ran out of time or crashed Python."""
    spec = str(request["spec"])
    place = last_place(scratch / "places")
    if status is None:
        finding = Finding(
            "wrong",
            "timeout",
            f"it did not come to an end within {float(str(request['time_limit'])):g} seconds",
            remedy="Is there a loop that never ends? Or give it more time: --time-limit 600",
            place=place,
        )
    else:
        known = -status in set(signal.Signals) if status < 0 else False
        name = signal.Signals(-status).name if known else f"status {status}"
        memory = " Often that is memory that ran out." if name in ("SIGKILL", "SIGABRT") else ""
        finding = Finding("wrong", "crashed", f"it made Python end ({name}).{memory}".rstrip("."), place=place)
    return Review(spec, spec.partition(":")[2] or "The model", "", (), (finding,), output=output)


def last_place(dump: Path) -> Location | None:
    """The innermost line of the user's in a dump of faulthandler's."""
    try:
        text = dump.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    ours = (str(Path(__file__).parents[1]), sys.prefix, sys.base_prefix, "<")
    for path, number in re.findall(r'File "(.+?)", line (\d+) in ', text):
        if path.startswith(ours):
            continue
        file = Path(path)
        with suppress(OSError, IndexError, UnicodeDecodeError):
            return Location(
                "", file.name, ((int(number), file.read_text("utf-8").splitlines()[int(number) - 1].strip()),)
            )
    return None
