"""How much memory there is."""

from pathlib import Path

import torch


def available_memory(device: torch.device) -> int | None:
    """Bytes that a program may still take on the device; None where the system does not tell.

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
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _free_in_cgroup() -> int | None:
    """What a container (cgroup v2) still has below its limit; None without a limit."""
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # no cgroup v2, or the limit is the word "max"
        return None


def readable_size(n_bytes: float) -> str:
    """Bytes as a person would say them: 2.1 GiB, 340 MiB."""
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.0f} MiB"
