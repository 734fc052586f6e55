"""The run that a new one replaces, kept aside until the new one has saved something.

.replaced/    all that the older run left, its run.json last: with it there, what stands outside is the new run's
.discarded/   the same, on its way out
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

ASIDE = ".replaced"
DISCARDED = ".discarded"
OWN = (".lock", ASIDE, DISCARDED)
"""What a run's directory may hold without holding a run."""


def set_aside(path: Path, names: Iterable[str]) -> None:
    """Move an older run's files aside. A kill at any moment leaves what `settle` understands."""
    (path / ASIDE).mkdir()
    for name in (*names, "run.json"):
        if os.path.lexists(path / name):
            os.rename(path / name, path / ASIDE / name)


def settle(path: Path, names: Iterable[str], saved: bool) -> bool:
    """Delete the older run if the new one has saved something, else put it back.

    -> whether it was put back.

    names: what a run leaves besides run.json, as for `set_aside`.
    """
    aside = path / ASIDE
    shutil.rmtree(path / DISCARDED, ignore_errors=True)
    if not aside.is_dir():
        return False
    if (aside / "run.json").exists():
        if saved:
            aside.rename(path / DISCARDED)  # at once: half of an older run is never put back
            shutil.rmtree(path / DISCARDED)
            return False
        for name in names:
            remove(path / name)
        os.replace(aside / "run.json", path / "run.json")  # from here on nothing outside is the new run's
    for older in sorted(aside.iterdir()):
        os.rename(older, path / older.name)
    aside.rmdir()
    return True


def remove(path: Path) -> None:
    """Delete a file, a folder with its content, or a link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
