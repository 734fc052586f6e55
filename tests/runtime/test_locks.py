import errno
import os

import pytest
from filelock import FileLock, Timeout

from nextword.runtime.locks import acquire, alone


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_where_there_are_no_locks_it_goes_on(tmp_path, monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    lock = FileLock(tmp_path / ".lock")
    assert acquire(lock, timeout=0) is False
    lock.release()
    with alone(tmp_path / "progress.json"):
        pass


def test_where_there_are_locks_they_keep_others_out(tmp_path):
    lock, other = FileLock(tmp_path / ".lock", is_singleton=False), FileLock(tmp_path / ".lock", is_singleton=False)
    assert acquire(lock, timeout=0) is True
    with pytest.raises(Timeout):
        acquire(other, timeout=0)
    lock.release()
    assert acquire(other, timeout=0) is True
    other.release()
