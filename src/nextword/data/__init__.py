"""Text -> ids -> windows -> batches.

The text side (`open_corpus`, `read_corpus`) needs no torch; each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from nextword.lazy import attach

if TYPE_CHECKING:
    from nextword.data.corpus import Corpus, OpenedCorpus, open_corpus, read_corpus
    from nextword.data.reading import Reading
    from nextword.data.windows import Windows, batch, batch_of, encode_corpus, evaluation_batches, order, split

__all__ = [
    "Corpus",
    "OpenedCorpus",
    "Reading",
    "Windows",
    "batch",
    "batch_of",
    "encode_corpus",
    "evaluation_batches",
    "open_corpus",
    "order",
    "read_corpus",
    "split",
]

__getattr__, __dir__ = attach(
    __name__,
    dict.fromkeys(("Corpus", "OpenedCorpus", "open_corpus", "read_corpus"), "corpus")
    | {"Reading": "reading"}
    | dict.fromkeys(
        ("Windows", "batch", "batch_of", "encode_corpus", "evaluation_batches", "order", "split"), "windows"
    ),
)
