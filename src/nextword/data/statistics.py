"""A corpus in two lines: documents, tokens, bytes a token, share of the vocabulary, duplicates."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Statistics:
    """Counts of a corpus. duplicates: documents that have been there before; bytes: of the text in UTF-8."""

    documents: int
    duplicates: int
    tokens: int
    bytes: int
    vocabulary_used: int
    n_vocab: int

    def sentences(self) -> tuple[str, str]:
        """Describe the corpus in two sentences."""
        are = "document" if self.documents == 1 else "documents"
        again = f", {self.duplicates:,} of them a repetition" if self.duplicates else ""
        per_token = self.bytes / max(1, self.tokens)
        share = self.vocabulary_used / self.n_vocab
        return (
            f"The text: {self.documents:,} {are}{again}; {self.tokens:,} tokens of {per_token:.2f} bytes each.",
            f"They are {self.vocabulary_used:,} different ones of the vocabulary's {self.n_vocab:,} ({share:.0%}).",
        )


def measure(documents: Sequence[str], ids: Sequence["Tensor"], n_vocab: int) -> Statistics:
    """Count the documents of a text, and its ids, which come in parts."""
    import torch

    used = torch.zeros(n_vocab, dtype=torch.bool)
    for part in ids:
        used[part.long()] = True
    n_bytes = sum(len(document.encode("utf-8", "surrogatepass")) for document in documents)
    n_tokens = sum(map(len, ids))
    return Statistics(len(documents), count_duplicates(documents), n_tokens, n_bytes, int(used.sum()), n_vocab)


def count_duplicates(documents: Iterable[str]) -> int:
    """Count the documents that have been there before, letter by letter."""
    digests, n = set(), 0
    for document in documents:
        digests.add(hashlib.blake2b(document.encode("utf-8", "surrogatepass"), digest_size=8).digest())
        n += 1
    return n - len(digests)
