"""Atomic writing of files: a crash leaves the old one or the new one."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Replace a file atomically: lend a path beside it, which takes its place at the end.

    The bytes are on the disk before the name points to them. After an error
    `path` is as it was, and what was written beside it is gone.
    """
    path = Path(path)
    beside = path.with_name(f"{path.name}.tmp")
    beside.unlink(missing_ok=True)  # a kill may have left it, as a second name of a file that is needed
    try:
        yield beside
        sync(beside)
        os.replace(beside, path)
        sync(path.parent)  # the new name, too, is data: the directory's
    finally:
        beside.unlink(missing_ok=True)


CANNOT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What a file system answers that cannot force something to its disk: shared folders, SMB, some FUSE, for folders."""

CANNOT_OPEN = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.EBADF}
"""What Windows answers for a folder, which it does not open."""


def sync(path: str | Path) -> bool:
    """Force a file or a directory to the disk; tell whether the file system can."""
    is_folder = os.path.isdir(path)
    try:
        descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)  # Windows flushes only what may be written
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in CANNOT_SYNC or (is_folder and error.errno in CANNOT_OPEN):
            return False
        raise
    return True
