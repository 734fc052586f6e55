"""Learn merges in C: see merges.c."""

from collections.abc import Iterator, Mapping

import numpy as np

from nextword.errors import DataError
from nextword.native.calling import call, pointer

AT_ONCE = 100  # merges, between which Ctrl-C is heard and progress can be told
MOST_BYTES = 2**31  # that 32 bits can count, with a sign


def learn_pairs(pieces: Mapping[str, int], n: int) -> Iterator[tuple[int, int]]:
    """Learn n merges from a text's pieces and their counts, as pairs of tokens.

    0 to 255 are the bytes, 256 is the first merge. There are fewer than n where no pair is left. Raises MemoryError,
    and DataError for pieces of 2 GiB or more in all.
    """
    text = b"".join(piece.encode("utf-8") for piece in pieces)
    if len(text) + len(pieces) >= MOST_BYTES:
        raise DataError(
            f"The different pieces of the text have {len(text):,} bytes, and fewer than {MOST_BYTES:,} can be learned "
            "from. Train on a part of the text, or with the pattern gpt2, which makes pieces of single words."
        )
    starts = np.zeros(len(pieces) + 1, np.int64)
    lengths = (len(piece) if piece.isascii() else len(piece.encode("utf-8")) for piece in pieces)
    np.cumsum(np.fromiter(lengths, np.int64, len(pieces)), out=starts[1:])
    counts = np.fromiter(pieces.values(), np.int64, len(pieces))
    order = np.argsort(-counts, kind="stable").astype(np.int64, copy=False)
    n = min(n, len(text))  # there are never more
    n_pieces, n_counts = len(pieces), len(np.unique(counts))
    del pieces, lengths  # in Python these take the most memory; who calls keeps none
    learner = call("merges_open", text, pointer(starts), pointer(order), pointer(counts), n_pieces, n_counts, max(n, 0))
    if learner is None:
        raise MemoryError
    del text, starts, counts, order
    try:
        merges = np.empty((AT_ONCE, 2), np.int32)
        while n > 0:
            asked = min(n, AT_ONCE)
            found = call("merges_learn", learner, asked, pointer(merges))
            if found < 0:
                raise MemoryError
            yield from map(tuple, merges[:found].tolist())
            n = n - found if found == asked else 0
    finally:
        call("merges_close", learner)
