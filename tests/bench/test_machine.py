from pathlib import Path

import pytest

from nextword.bench import machine
from nextword.runtime import hardware


def test_the_processors_name_is_what_linux_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Cruncher 9\n")
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor_name() == "Cruncher 9"


def test_where_the_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "missing")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "missing")
    assert machine.processor_name()
    assert machine.total_memory() is None


def test_a_machine_in_words() -> None:
    told = machine.Machine("Cruncher 9", 4, ("avx2",), 8 << 30, "Linux x86_64", "3.12", "2.11")
    assert str(told) == "Cruncher 9, 4 cores (avx2), 8 GiB of memory; Linux x86_64, Python 3.12, PyTorch 2.11"
    assert machine.this_machine().torch != "absent"
    assert machine.installed("no-such-package") is None
