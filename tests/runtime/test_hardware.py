import sys

import pytest
import torch

from nextword.runtime import cpu_flags, hardware, may_have_gpu


def test_the_processors_features(monkeypatch, tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu avx2 amx_bf16\nbugs\t\t: none\n\nprocessor\t: 1\n")
    monkeypatch.setattr(hardware, "CPUINFO", info)
    assert cpu_flags() == {"fpu", "avx2", "amx_bf16"}
    info.unlink()
    assert cpu_flags() == set()


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
