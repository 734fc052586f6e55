import os
import sys

import pytest
import torch

from nextword.runtime import cpu_flags, hardware, may_have_gpu
from nextword.runtime.hardware import physical_cores


def test_the_processors_features(monkeypatch, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\nbugs\t\t: none\n\nprocessor\t: 1\n")
    monkeypatch.setattr(hardware, "CPUINFO", info)
    assert cpu_flags() == {"fpu", "avx2", "amx_bf16"}
    info.unlink()
    assert cpu_flags() == set()


def test_the_features_and_the_kinds_of_core_of_an_arm_processor(monkeypatch, tmp_path):
    cores = [
        f"processor\t: {n}\nFeatures\t: fp asimd bf16\nCPU part\t: {part}" for n, part in enumerate(("0xd46", "0xd4e"))
    ]
    (tmp_path / "cpuinfo").write_text("\n\n".join(cores) + "\n")
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    assert cpu_flags() == {"fp", "asimd", "bf16", "part 0xd46", "part 0xd4e"}


@pytest.fixture
def eight_threads(monkeypatch, tmp_path):
    """Four cores of two hardware threads, as Linux often counts them: 0 and 4 are of one core."""
    for processor in range(8):
        folder = tmp_path / f"cpu{processor}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{processor % 4},{processor % 4 + 4}\n")
    monkeypatch.setattr(hardware, "TOPOLOGY", tmp_path)


@pytest.mark.usefixtures("eight_threads")
@pytest.mark.parametrize(("allowed", "cores"), [(range(8), 4), ({0, 4}, 1), ({0, 1, 4}, 2), ({0, 1, 2, 3}, 4)])
def test_hardware_threads_of_one_core_that_may_be_used_count_once(allowed, cores, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(allowed), raising=False)
    assert physical_cores() == cores


def test_where_the_system_does_not_tell_each_thread_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "TOPOLOGY", tmp_path / "missing")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert physical_cores() == 6
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {2, 3}, raising=False)
    assert physical_cores() == 2


def test_a_gpu_that_pytorch_finds_is_never_ruled_out():
    assert may_have_gpu() or not (torch.cuda.is_available() or torch.backends.mps.is_available())


@pytest.mark.parametrize(("platform", "expected"), [("linux", False), ("darwin", True), ("win32", True)])
def test_without_a_sign_of_a_gpu_only_linux_rules_it_out(platform, expected, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(hardware, "GPU_FILES", (str(tmp_path / "nvidiactl"),))
    assert may_have_gpu() is expected


def test_a_sign_of_a_gpu(monkeypatch, tmp_path):
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(hardware, "GPU_FILES", ("/nowhere", str(tmp_path / "nvidiactl")))
    assert may_have_gpu()
