import platform
import subprocess
import sys

import pytest

from nextword.runtime import keep_freed_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt's settings are glibc's")

# In a process of its own each time: what malloc was told cannot be taken back.
RESIDENT = """
import sys, torch
from nextword.runtime import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory() is True
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
x = torch.ones(256 * 2**20 // 4)
del x
print(resident() - before > 200 * 2**20)
"""


@glibc
@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's size from Linux's /proc")
@pytest.mark.parametrize("what, kept", [("keep", "True"), ("leave", "False")])
def test_freed_memory_stays_with_the_process(what, kept):
    done = subprocess.run([sys.executable, "-c", RESIDENT, what], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept


def test_without_glibc_nothing_is_done(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda name: 1 / 0)
    assert keep_freed_memory() is False
