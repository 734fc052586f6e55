import pytest
import torch

from nextword.runtime import available_memory, memory, readable_size

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture
def linux(monkeypatch, tmp_path):
    """A Linux with 8000 MiB available, and a folder for its control group."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal:  {16000 * 1024} kB\nMemFree:  {100 * 1024} kB\nMemAvailable:  {8000 * 1024} kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    return tmp_path


def limit(folder, maximum, current, active_file=0, inactive_file=0):
    (folder / "memory.max").write_text(f"{maximum}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    stat = f"anon 5\nfile 7\nactive_anon 3\ninactive_anon 2\nactive_file {active_file}\ninactive_file {inactive_file}\n"
    (folder / "memory.stat").write_text(stat)


def test_this_machine_has_some():
    assert available_memory(CPU) is None or 2**20 < available_memory(CPU) < 2**50


def test_what_linux_calls_available(linux):
    assert available_memory(CPU) == 8000 * MIB


def test_a_container_may_have_less(linux):
    limit(linux, 2000 * MIB, 500 * MIB)
    assert available_memory(CPU) == 1500 * MIB


def test_a_container_may_be_allowed_more_than_there_is(linux):
    limit(linux, 64000 * MIB, 500 * MIB)
    assert available_memory(CPU) == 8000 * MIB


def test_files_that_linux_remembers_are_not_in_the_way(linux):
    """After writing a checkpoint a container looks full: its limit counts the file's pages until they are needed."""
    limit(linux, 2000 * MIB, 1990 * MIB, active_file=300 * MIB, inactive_file=900 * MIB)
    assert available_memory(CPU) == 1210 * MIB


def test_no_limit_and_no_cgroup(linux):
    limit(linux, "max", 500 * MIB)
    assert available_memory(CPU) == 8000 * MIB
    (linux / "memory.max").unlink()
    assert available_memory(CPU) == 8000 * MIB


def test_a_limit_that_was_lowered_below_what_is_used_leaves_nothing(linux):
    limit(linux, 100 * MIB, 500 * MIB)
    assert available_memory(CPU) == 0


def test_where_nobody_tells(linux):
    (linux / "meminfo").unlink()
    assert available_memory(CPU) is None
    assert available_memory(torch.device("mps")) is None


def test_a_gpu_is_asked_itself(monkeypatch):
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (5 * MIB, 80 * MIB))
    assert available_memory(torch.device("cuda", 1)) == 5 * MIB


@pytest.mark.parametrize(
    "n_bytes, words",
    [(340 * MIB, "340 MiB"), (2**30, "1.0 GiB"), (2.1 * 2**30, "2.1 GiB"), (0, "0 MiB"), (1023 * MIB, "1023 MiB")],
)
def test_sizes_as_a_person_would_say_them(n_bytes, words):
    assert readable_size(n_bytes) == words
