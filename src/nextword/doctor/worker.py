"""The process in which a user model is reviewed: `python -m nextword.doctor.worker SCRATCH`.

It reads a request, a line of JSON, from its input and writes its answer into SCRATCH/answer. See `visit.py`.
"""

import faulthandler
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOM = 8 << 30
"""How many bytes of address space a user's code may take beyond what PyTorch has."""


def main(scratch: Path) -> None:
    """Make one review, and end."""
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    answer = answered(request, scratch)
    beside = scratch / "answer.tmp"
    beside.write_text(json.dumps(answer), encoding="utf-8")
    beside.rename(scratch / "answer")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)  # threads or exit handlers that a user's code left behind are not waited for


def answered(request: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """The review, packed; or what the user should do otherwise."""
    import torch

    from nextword.doctor.examination import examine
    from nextword.doctor.source import TooLong
    from nextword.errors import NextwordError

    torch.set_num_threads(1)
    sys.dont_write_bytecode = True
    limit_memory()
    seconds = float(request["time_limit"])
    with open(scratch / "places", "w") as places:
        faulthandler.enable(places)
        faulthandler.dump_traceback_later(seconds, file=places)
        try:
            review = examine(request["spec"], request["make"], min(8.0, seconds / 4), Path(request["folder"]))
        except NextwordError as error:
            return {"error": str(error)}
        except (SystemExit, TooLong):
            return {"error": f"{request['spec']} ends the program (exit) where it should build or compute something."}
        finally:
            faulthandler.cancel_dump_traceback_later()
    return {"review": review.packed()}


def limit_memory() -> None:
    """Limit the address space to so much more, on systems that can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + ROOM
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
