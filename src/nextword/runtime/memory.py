"""The memory that is left."""

from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def available_memory(device: torch.device) -> int | None:
    """Measure how many bytes are still free on the device; None if the system does not tell.

    On a CPU that is what Linux calls available, or less where a container sets a limit.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    limits = [limit for limit in (_free_in_system(), _free_in_cgroup()) if limit is not None]
    return min(limits, default=None)


def _free_in_system() -> int | None:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _free_in_cgroup() -> int | None:
    """Measure the bytes that a container (cgroup v2) has left; None without a limit.

    Files that Linux remembers count as used there, but make way for programs.
    """
    try:
        limit = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        lines = (CGROUP / "memory.stat").read_text().splitlines()
        files = [int(line.split()[1]) for line in lines if line.startswith(("active_file ", "inactive_file "))]
    except (OSError, ValueError):  # no cgroup v2, or the limit is the word "max"
        return None
    return max(0, limit - used + sum(files))


def readable_size(n_bytes: float) -> str:
    """Write a number of bytes for people: 2.1 GiB, 340 MiB."""
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
