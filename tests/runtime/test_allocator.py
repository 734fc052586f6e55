import platform
import subprocess
import sys

import pytest

from nextword.runtime import keep_freed_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt's settings are glibc's")

# In a process of its own: what malloc was told cannot be taken back.
RESIDENT = """
import torch
from nextword.runtime import keep_freed_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def left_after_freeing(size):
    before = resident()
    x = torch.ones(size // 4)
    del x
    return (resident() - before) / size
print(left_after_freeing(256 * 2**20) < 0.1)
print(keep_freed_memory())
print(left_after_freeing(256 * 2**20) > 0.9)
"""


@glibc
@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's size from Linux's /proc")
def test_freed_memory_stays_with_the_process():
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3


def test_without_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda name: 1 / 0)
    assert keep_freed_memory() is False
