"""What the system says of its processor and its GPUs, asked without PyTorch, whose import takes a second or more."""

import sys
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

GPU_FILES = (
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/proc/driver/nvidia",
    "/dev/dxg",  # any GPU in Windows' own Linux (WSL 2)
    "/dev/kfd",  # AMD's, which PyTorch calls cuda as well
)
"""Where Linux shows a GPU that PyTorch could compute on."""


def cpu_flags() -> set[str]:
    """The processor's features as Linux lists them; empty elsewhere."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.split(":")[1].split()) for line in lines if line.startswith("flags")), set())


def may_have_gpu() -> bool:
    """Whether PyTorch might find a GPU here: False only where it is certain that it will not.

    Whether it does, and can use it, `pick_device` knows. On a Mac, and wherever
    the system is not Linux, only PyTorch can tell, so the answer is True.
    """
    return sys.platform != "linux" or any(Path(file).exists() for file in GPU_FILES)
