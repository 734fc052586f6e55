"""Text -> ids -> windows -> batches.

The text side (`read_corpus`) needs no torch; the names that do are imported when they are first used.
"""

from typing import TYPE_CHECKING

from nextword.data.sources import Corpus, read_corpus
from nextword.lazy import attach

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

__getattr__, __dir__ = attach(
    __name__,
    dict.fromkeys(("Windows", "batch", "encode_corpus", "evaluation_batches", "order", "split"), "windows"),
)
