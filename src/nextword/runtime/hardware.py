"""The processor and the GPUs by what Linux says of them, without PyTorch and its slow import."""

import os
import sys
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
TOPOLOGY = Path("/sys/devices/system/cpu")

GPU_FILES = (
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/proc/driver/nvidia",
    "/dev/dxg",  # any GPU in Windows' own Linux (WSL 2)
    "/dev/kfd",  # AMD's, which PyTorch calls cuda as well
)
"""Where Linux shows a GPU that PyTorch could compute on."""


def cpu_flags() -> set[str]:
    """List the processor's features as Linux does; empty elsewhere."""
    entries = processors()
    listed = (entry.get("flags") or entry.get("Features") for entry in entries)
    flags = next((set(line.split()) for line in listed if line), set())
    # On ARM the features alone do not tell what the core is, and one processor may have several kinds.
    return flags | {f"part {entry['CPU part']}" for entry in entries if "CPU part" in entry}


def processors() -> list[dict[str, str]]:
    """Read Linux's table of hardware threads; empty elsewhere."""
    try:
        blocks = CPUINFO.read_text().strip().split("\n\n")
    except OSError:
        return []
    lines = [[line.partition(":") for line in block.splitlines() if ":" in line] for block in blocks]
    return [{key.strip(): value.strip() for key, _, value in block} for block in lines]


def physical_cores() -> int:
    """Count the cores that this process may use, each once.

    Where the system does not tell which threads share a core, each counts.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    return len({hardware_threads(processor) for processor in allowed})


def hardware_threads(processor: int) -> str:
    """Name the hardware threads of a processor's core: `0,64` or `0-1`."""
    try:
        return (TOPOLOGY / f"cpu{processor}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(processor)


def may_have_gpu() -> bool:
    """Tell whether PyTorch might find a GPU here: False only if it certainly will not.

    Whether it does, and can use it, `pick_device` knows. On a Mac, and wherever
    the system is not Linux, only PyTorch can tell, so the answer is True.
    """
    return sys.platform != "linux" or any(Path(file).exists() for file in GPU_FILES)
