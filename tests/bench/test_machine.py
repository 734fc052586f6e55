import os
from pathlib import Path

import pytest

from nextword.bench import machine

CPUINFO = "\n\n".join(
    f"processor\t: {thread}\nmodel name\t: Cruncher 9\nphysical id\t: {thread // 4}\ncore id\t\t: {thread // 2 % 2}"
    for thread in range(8)
)


@pytest.fixture
def eight_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processors of two cores of two hardware threads."""
    (tmp_path / "cpuinfo").write_text(CPUINFO + "\n")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)


@pytest.mark.usefixtures("eight_threads")
def test_hardware_threads_of_one_core_count_once() -> None:
    assert machine.physical_cores() == 4
    assert machine.processor_name() == "Cruncher 9"


@pytest.mark.usefixtures("eight_threads")
def test_cores_that_this_process_may_not_use_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1, 2}, raising=False)
    assert machine.physical_cores() == 2


def test_where_the_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CPUINFO", "MEMINFO"):
        monkeypatch.setattr(machine, name, tmp_path / "missing")
    assert machine.physical_cores() >= 1
    assert machine.processor_name()
    assert machine.total_memory() is None


def test_a_machine_in_words() -> None:
    told = machine.Machine("Cruncher 9", 4, ("avx2",), 8 << 30, "Linux x86_64", "3.12", "2.11")
    assert str(told) == "Cruncher 9, 4 cores (avx2), 8 GiB of memory; Linux x86_64, Python 3.12, PyTorch 2.11"
    assert machine.this_machine().torch != "absent"
    assert machine.installed("no-such-package") is None
