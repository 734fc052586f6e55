"""Several processes for `nextword train --nproc`, by PyTorch's own launcher, as torchrun starts them."""

import logging
import os
import signal
import sys
from dataclasses import fields
from typing import Any
from uuid import uuid4

from nextword.data.token_stream import usable_cores
from nextword.errors import SettingError

SAVING = 600
"""Seconds that a step and a checkpoint may take after Ctrl-C, before the processes are killed."""


def launch(count: int, arguments: list[str]) -> int:
    """Run `nextword train` in `count` processes of this machine; return the exit status.

    One that fails ends all. Ctrl-C, SIGTERM and SIGHUP are passed on to each, and waited for while they save.
    """
    if count < 1:
        raise SettingError("nproc", f"must be at least 1, got {count}")
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()  # what failed is said below, in one line
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // count)))
    options: dict[str, Any] = {"shutdown_timeout": SAVING}
    known = {field.name for field in fields(LaunchConfig)}  # older PyTorchs ask for less
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(),
        **{name: value for name, value in options.items() if name in known},
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
