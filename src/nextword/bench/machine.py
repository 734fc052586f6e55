"""A description of this machine."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nextword.runtime.hardware import cpu_flags, physical_cores, processors

MEMINFO = Path("/proc/meminfo")

TELLING = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "neon",
    "asimd",
    "bf16",
    "i8mm",
    "sve",
)
"""The processor's features that decide how fast matrix products can be."""


@dataclass(frozen=True)
class Machine:
    """A machine, described for the readers of its figures.

    cores: physical ones that this process may use, and as many threads are
    given to everything measured. memory: bytes, None where the system does not
    tell.
    """

    processor: str
    cores: int
    features: tuple[str, ...]
    memory: int | None
    system: str
    python: str
    torch: str

    def __str__(self) -> str:
        memory = f", {self.memory / 2**30:.0f} GiB of memory" if self.memory else ""
        features = f" ({', '.join(self.features)})" if self.features else ""
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        return f"{self.processor}, {cores}{features}{memory}; {self.system}, Python {self.python}, PyTorch {self.torch}"


def this_machine() -> Machine:
    """Describe the machine that this runs on."""
    flags = cpu_flags()
    return Machine(
        processor=processor_name(),
        cores=physical_cores(),
        features=tuple(flag for flag in TELLING if flag in flags),
        memory=total_memory(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=installed("torch") or "absent",
    )


def processor_name() -> str:
    """Find the processor's model, as Linux lists it, or the little that Python knows."""
    names = [entry["model name"] for entry in processors() if "model name" in entry]
    return names[0] if names else platform.processor() or platform.machine() or "unknown processor"


def total_memory() -> int | None:
    """Measure the machine's memory in bytes; None if the system does not tell."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")), None)


def installed(package: str) -> str | None:
    """Find the version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
