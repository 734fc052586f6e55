"""A stream of documents as a stream of ids, encoded on all cores and in order."""

import hashlib
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nextword.data.text_stream import Piece
from nextword.tokenizer.characters import CHARS

if TYPE_CHECKING:
    from nextword.data.corpus import OpenedCorpus
    from nextword.tokenizer import Tokenizer, Vocabulary

T = TypeVar("T")

AT_ONCE = 1 << 20  # characters that are encoded at once
MOST_PIECES = 1 << 12  # and documents
HASH_BYTES = 8


@dataclass(frozen=True)
class EncodedTexts:
    """Some texts as ids, one after the other.

    starts: where in ids documents begin. n_bytes: of the texts in UTF-8. digests: eight bytes of each document that
    is here whole; texts: the others' parts, each with whether its document ends.
    """

    ids: NDArray[np.unsignedinteger]
    starts: NDArray[np.int64]
    n_bytes: int
    digests: "array[int]"
    texts: Sequence[tuple[bytes, bool]]


class Digests:
    """Digests of documents, eight bytes each, to count repetitions by."""

    def __init__(self) -> None:
        self._whole = array("Q")
        self._begun: Any = None

    def add(self, encoded: EncodedTexts) -> None:
        """Take those of more documents."""
        self._whole.extend(encoded.digests)
        for text, ends in encoded.texts:
            self._begun = self._begun or hashlib.blake2b(digest_size=HASH_BYTES)
            self._begun.update(text)
            if ends:
                self._whole.append(int.from_bytes(self._begun.digest(), "little"))
                self._begun = None

    def __len__(self) -> int:
        return len(self._whole)

    def duplicates(self) -> int:
        """Count the documents that have been there before, letter by letter (but for a chance of 2^-64 a pair)."""
        return len(self._whole) - len(np.unique(np.frombuffer(self._whole, np.uint64))) if self._whole else 0


def pieces_of(corpus: "OpenedCorpus", vocabulary: "Vocabulary") -> Iterator[Piece]:
    """Read a corpus in pieces; where the pattern cuts, long documents in parts."""
    if vocabulary.files is None and vocabulary.pattern in ("gpt2", "gpt4", CHARS):
        return corpus.pieces()
    return ((document, True) for document in corpus.documents())


def encode_stream(
    pieces: Iterable[Piece],
    tokenizer: "Tokenizer",
    dtype: np.dtype[np.unsignedinteger],
    skip: int = 0,
    threads: int | None = None,
) -> Iterator[EncodedTexts]:
    """Encode documents on all cores, each with the id that separates documents before it, if there is one.

    skip: so many documents are read and not encoded; they have no ids and no starts.
    """
    tasks = (
        partial(encode, batch, begins, None if is_skipped else tokenizer, dtype)
        for batch, begins, is_skipped in batches(pieces, skip)
    )
    return in_order(tasks, threads)


def encode_every(
    pieces: Iterable[Piece],
    tokenizer: "Tokenizer",
    dtype: np.dtype[np.unsignedinteger],
    is_wanted: Callable[[int], bool],
    threads: int | None = None,
) -> Iterator[tuple[int, EncodedTexts | None]]:
    """Encode some of the blocks of a text.

    -> each one's number, and None for those not wanted. They are the blocks of `encode_stream`. A document that lies in
    several counts where it ends, so they have no texts.
    """

    def tasks() -> Iterator[Callable[[], tuple[int, EncodedTexts | None]]]:
        begun: Any = None
        for number, (batch, first_begins, _) in enumerate(batches(pieces, 0)):
            ended, begins = array("Q"), first_begins
            for text, ends in batch:
                if not (begins and ends):
                    begun = begun or hashlib.blake2b(digest_size=HASH_BYTES)
                    begun.update(text.encode("utf-8", "surrogatepass"))
                    if ends:
                        ended.append(int.from_bytes(begun.digest(), "little"))
                        begun = None
                begins = ends
            yield partial(block, number, batch, first_begins, ended)

    def block(number: int, batch: list[Piece], begins: bool, ended: "array[int]") -> tuple[int, EncodedTexts | None]:
        if not is_wanted(number):
            return number, None
        encoded = encode(batch, begins, tokenizer, dtype)
        return number, replace(encoded, digests=encoded.digests + ended, texts=())

    return in_order(tasks(), threads)


def in_order(tasks: Iterable[Callable[[], T]], threads: int | None = None) -> Iterator[T]:
    """Do tasks on all cores, a few ahead of what is asked for; yield their results in order."""
    # Encoding itself runs outside of Python's lock, so threads do, and nothing is copied from process to process.
    threads = threads or usable_cores()
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def batches(pieces: Iterable[Piece], skip: int) -> Iterator[tuple[list[Piece], bool, bool]]:
    """Gather pieces -> (some of them, whether the first begins a document, whether they are to be skipped)."""
    batch: list[Piece] = []
    size, n_ended, first_begins, begins = 0, 0, True, True
    for text, ends in pieces:
        batch.append((text, ends))
        size += len(text)
        begins, n_ended = ends, n_ended + ends
        if size >= AT_ONCE or len(batch) >= MOST_PIECES or (ends and n_ended == skip):
            yield batch, first_begins, n_ended < skip or (n_ended == skip and ends)
            batch, size, first_begins = [], 0, begins
    if batch:
        yield batch, first_begins, n_ended < skip


def encode(
    batch: Sequence[Piece], begins: bool, tokenizer: "Tokenizer | None", dtype: np.dtype[np.unsignedinteger]
) -> EncodedTexts:
    """Encode some pieces; without a tokenizer, only measure them."""
    parts: list[NDArray[np.unsignedinteger]] = []
    starts: list[int] = []
    digests = array("Q")
    texts: list[tuple[bytes, bool]] = []
    n_bytes = n = 0
    mark = np.array([] if tokenizer is None or tokenizer.eot_id is None else [tokenizer.eot_id], dtype)
    for text, ends in batch:
        content = text.encode("utf-8", "surrogatepass")
        n_bytes += len(content)
        if begins and ends:
            digest = hashlib.blake2b(content, digest_size=HASH_BYTES).digest()
            digests.append(int.from_bytes(digest, "little"))
        else:
            texts.append((content, ends))
        if tokenizer is not None:
            ids = tokenizer.encode_array(text).astype(dtype)
            if begins:
                starts.append(n)
                parts.append(mark)
                n += len(mark)
            parts.append(ids)
            n += len(ids)
        begins = ends
    ids = np.concatenate(parts) if parts else np.empty(0, dtype)
    return EncodedTexts(ids, np.array(starts, np.int64), n_bytes, digests, texts)


def usable_cores() -> int:
    """Count the hardware threads that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
