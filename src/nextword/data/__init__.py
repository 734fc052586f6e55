"""Text -> ids -> windows -> batches.

The text side (`read_corpus`) needs no torch; each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.data.corpus import Corpus, read_corpus
    from nextword.data.sources import Reading
    from nextword.data.windows import Windows, batch, encode_corpus, evaluation_batches, order, split

__all__ = [
    "Corpus",
    "Reading",
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
    {"Corpus": "corpus", "read_corpus": "corpus", "Reading": "sources"}
    | dict.fromkeys(("Windows", "batch", "encode_corpus", "evaluation_batches", "order", "split"), "windows"),
)
