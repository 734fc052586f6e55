"""Benchmarks: nextword's speed, and the machine's limits.

Whatever is measured runs in a process of its own (`worker.py`), behind one small interface (`program.py`), so that
nextword and any other program are measured by the same hands: `nextword bench` measures nextword alone, and the
project's `benchmarks/` other programs beside it.
"""

from nextword.lazy import attach

__getattr__, __dir__ = attach(__name__)
