"""Several processes for `nextword train --nproc`, by PyTorch's own launcher, as torchrun starts them."""

import os
import signal
import sys
from dataclasses import fields

from nextword.errors import SettingError


def launch(count: int, arguments: list[str]) -> int:
    """Run `nextword train` in `count` processes of this machine; return the exit status.

    One that fails ends all. Ctrl-C reaches each of them, and the launcher waits while they save.
    """
    if count < 1:
        raise SettingError("nproc", f"must be at least 1, got {count}")
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // count)))
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)
    known = {"signals_to_handle": "SIGTERM"}
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(),
        **{name: value for name, value in known.items() if name in {field.name for field in fields(LaunchConfig)}},
    )
    try:
        elastic_launch(config, sys.executable)("-m", "nextword", "train", *arguments)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            name = signal.Signals(-failure.exitcode).name
            print(f"nextword: Process {rank} of {count} was killed ({name}), so all have ended.", file=sys.stderr)
            return 128 - failure.exitcode
        return failure.exitcode
    except SignalException as error:
        return 128 + error.sigval
    return 0
