"""Locks on files, and file systems that have none."""

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, SoftFileLock

NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
"""What a file system answers that cannot lock: some NFS, SMB and FUSE mounts, Lustre without -o flock."""


def acquire(lock: FileLock, timeout: float = -1) -> bool:
    """Acquire a file lock; tell whether the system frees it after a crash.

    timeout: in seconds; -1 waits for ever. Raises filelock.Timeout.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock's own words on what it does instead
            lock.acquire(timeout=timeout)
    except NotImplementedError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return False
    return not isinstance(lock, SoftFileLock)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of a file, if the file system has locks."""
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    acquire(lock)
    try:
        yield
    finally:
        lock.release()
