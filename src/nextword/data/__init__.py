"""Text -> ids -> windows -> batches.

The text side (`read_corpus`) needs no torch; the names that do are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nextword.data.sources import Corpus, read_corpus

if TYPE_CHECKING:
    from nextword.data.windows import Windows, batch, encode_corpus, evaluation_batches, order, split

__all__ = [
    "Corpus",
    "Windows",
    "batch",
    "encode_corpus",
    "evaluation_batches",
    "order",
    "read_corpus",
    "split",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("nextword.data.windows"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
