"""Writing a file so that a crash leaves the old one or the new one, and never half of either."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a path beside `path` to write to; at the end, if all went well, it takes `path`'s place.

    The bytes are on the disk before the name points to them. After an error
    `path` is as it was, and what was written beside it is gone.
    """
    beside = path.with_name(f"{path.name}.tmp")
    beside.unlink(missing_ok=True)  # a kill may have left it, as a second name of a file that is needed
    try:
        yield beside
        sync(beside)
        os.replace(beside, path)
        sync(path.parent)  # the new name, too, is data: the directory's
    finally:
        beside.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file or a directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
