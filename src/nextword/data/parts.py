"""Parts: the encoding of one text, divided among machines and merged into one's shards.

Each part reads the whole text, in the same blocks, and encodes every N-th block: reading is quick, and encoding is not.
A part is a file: a line of JSON, which says what it is a part of, and then its blocks.
"""

import json
import os
import re
import struct
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from nextword.data.corpus import OpenedCorpus
from nextword.data.manifest import Manifest, manifest_of
from nextword.data.shards import Stored, token_type
from nextword.data.token_stream import EncodedTexts, encode_every, pieces_of
from nextword.errors import DataError, SettingError
from nextword.runtime.files import sync
from nextword.runtime.locks import acquire
from nextword.tokenizer import Tokenizer

PARTS = "parts"
"""The folder of the parts, in that of the shards."""

FORMAT = "nextword part, version 1"
BLOCK = struct.Struct("<6Q")
"""What stands before a block: its number, the ids, starts and digests in it, the bytes of its text, and a checksum."""

END = 2**64 - 1
"""Stands for a number where there is no further block; then comes how many blocks all parts have."""


@dataclass(frozen=True)
class Part:
    """Part `number` (from 1) of `count`."""

    number: int
    count: int

    def path(self, folder: Path) -> Path:
        """Name the file of this part of a folder of shards."""
        return folder / PARTS / f"{self.number}-of-{self.count}.blocks"

    def has(self, block: int) -> bool:
        """Whether a block (from 0) is this part's."""
        return block % self.count == self.number - 1


def parse_part(text: str) -> Part:
    """Read a part such as 3/8. Raises SettingError for what is none."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise SettingError("part", f"{text} is none: write 1/8, 2/8, ... 8/8 for eight parts.")
    return Part(int(found[1]), int(found[2]))


def prepare_part(
    corpus: OpenedCorpus,
    tokenizer: Tokenizer,
    folder: Path,
    part: Part,
    wanted: Manifest,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda tokens, n_bytes: None,
    threads: int | None = None,
) -> int:
    """Encode one part of a corpus, or go on with what a kill has left of it.

    -> its tokens. wanted: what all parts together are to become. progress: is told the tokens and bytes so far.
    overwrite: begin anew.
    Raises DataError where the part is another text's, or another process is at work on it.
    """
    path = part.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"))
    try:
        acquire(lock, timeout=0)
    except Timeout:
        raise DataError(f"{path}: another process is encoding this part. Wait for that.") from None
    try:
        if overwrite:
            path.unlink(missing_ok=True)
            beside(path).unlink(missing_ok=True)
        if path.exists():
            with OpenedPart(path, part, wanted) as there:
                return sum(len(encoded.ids) for encoded in there.blocks())
        return write_part(corpus, tokenizer, path, part, wanted, progress, threads)
    finally:
        lock.release()
        path.with_suffix(".lock").unlink(missing_ok=True)


def write_part(
    corpus: OpenedCorpus,
    tokenizer: Tokenizer,
    path: Path,
    part: Part,
    wanted: Manifest,
    progress: Callable[[int, int], None],
    threads: int | None,
) -> int:
    """Write a part's blocks beside its place, after those that are there already, and then rename it."""
    done, n_tokens, n_bytes, size = found_so_far(beside(path), part, wanted)
    with beside(path).open("r+b" if size else "wb") as file:
        if not size:
            said = {"format": FORMAT, "number": part.number, "count": part.count, "manifest": asdict(wanted)}
            file.write(json.dumps(said).encode() + b"\n")
        file.seek(size or 0, os.SEEK_SET if size else os.SEEK_END)
        file.truncate()
        n_blocks = 0
        pieces = pieces_of(corpus, tokenizer.vocabulary)

        def is_wanted(block: int) -> bool:
            return part.has(block) and block >= done

        for block, encoded in encode_every(pieces, tokenizer, token_type(tokenizer.n_vocab), is_wanted, threads):
            n_blocks = block + 1
            if encoded is not None:
                write_block(file, block, encoded)
                n_tokens, n_bytes = n_tokens + len(encoded.ids), n_bytes + encoded.n_bytes
                progress(n_tokens, n_bytes)
        file.write(BLOCK.pack(END, n_blocks, 0, 0, 0, 0))
    sync(beside(path))
    os.replace(beside(path), path)
    sync(path.parent)
    return n_tokens


def found_so_far(path: Path, part: Part, wanted: Manifest) -> tuple[int, int, int, int]:
    """Read what a kill has left of a part.

    -> the block to go on with, the tokens and bytes of those before, and where in the file they end. All 0 if there is
    nothing, or what is there was begun otherwise.
    """
    nothing = (0, 0, 0, 0)
    if not path.exists():
        return nothing
    try:
        with OpenedPart(path, part, wanted) as there:
            done, n_tokens, n_bytes, size = 0, 0, 0, there.position
            try:
                for encoded in there.blocks():
                    done, size = there.number + 1, there.position
                    n_tokens, n_bytes = n_tokens + len(encoded.ids), n_bytes + encoded.n_bytes
            except DataError:
                pass  # half a block
            return done, n_tokens, n_bytes, size
    except DataError:
        return nothing


def write_block(file: BinaryIO, block: int, encoded: EncodedTexts) -> None:
    """Write a block: what stands before it, ids, starts and digests."""
    payload = encoded.ids.tobytes() + encoded.starts.astype("<i8").tobytes() + encoded.digests.tobytes()
    counts = (len(encoded.ids), len(encoded.starts), len(encoded.digests), encoded.n_bytes)
    file.write(BLOCK.pack(block, *counts, zlib.crc32(payload)) + payload)


class OpenedPart:
    """A part's file, read block by block. Raises DataError for a foreign or damaged one.

    number: of the block that was read last. n_blocks: how many all parts have together, once the end was read.
    """

    def __init__(self, path: Path, part: Part, wanted: Manifest):
        self._path, self._part, self._file = path, part, path.open("rb")
        self._dtype: Stored = token_type(wanted.tokenizer.n_vocab)
        self.number = -1
        self.n_blocks: int | None = None
        try:
            said = json.loads(self._file.readline())
            known = (said["format"], said["number"], said["count"]) == (FORMAT, part.number, part.count)
            manifest = manifest_of(said["manifest"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._file.close()
            raise DataError(f"{path}: is no part of token shards ({error}). Delete it, and encode it anew.") from error
        differences = manifest.differences(wanted)
        if differences or not known:
            self._file.close()
            why = f"was made otherwise ({', '.join(differences)} differs)" if differences else "is another part"
            raise DataError(f"{path}: {why}. Encode it anew by `overwrite=True`.")

    def __enter__(self) -> "OpenedPart":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Where in the file the next block begins."""
        return self._file.tell()

    def blocks(self) -> Iterator[EncodedTexts]:
        """Read the blocks, in order, up to the end."""
        while (encoded := self.next()) is not None:
            yield encoded

    def next(self) -> EncodedTexts | None:
        """Read the next block; None at the end."""
        head = self._file.read(BLOCK.size)
        if len(head) < BLOCK.size:
            raise self._damaged()
        number, n_ids, n_starts, n_digests, n_bytes, checksum = BLOCK.unpack(head)
        if number == END:
            self.n_blocks = n_ids
            return None
        sizes = (n_ids * self._dtype.itemsize, 8 * n_starts, 8 * n_digests)
        payload = self._file.read(sum(sizes))
        if len(payload) != sum(sizes) or zlib.crc32(payload) != checksum or not self._part.has(number):
            raise self._damaged()
        self.number = number
        ids = np.frombuffer(payload, self._dtype, n_ids)
        starts = np.frombuffer(payload, "<i8", n_starts, sizes[0])
        digests = array("Q")
        digests.frombytes(payload[sizes[0] + sizes[1] :])
        return EncodedTexts(ids, starts, n_bytes, digests, ())

    def _damaged(self) -> DataError:
        return DataError(f"{self._path}: is damaged, or not complete. Encode this part again, by `overwrite=True`.")


def merged(folder: Path, count: int, wanted: Manifest) -> Iterator[EncodedTexts]:
    """Read the blocks of all parts, in the order of the text.

    Raises DataError, before the first, where a part is missing or another text's.
    """
    parts = [Part(number, count) for number in range(1, count + 1)]
    if missing := [part for part in parts if not part.path(folder).exists()]:
        names = ", ".join(f"{part.number}/{part.count}" for part in missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise DataError(f"{folder / PARTS}: lacks part {names}{more}. Encode what is missing, each by `part`.")
    with ExitStack() as stack:
        opened = [stack.enter_context(OpenedPart(part.path(folder), part, wanted)) for part in parts]
        block = 0
        while (encoded := opened[block % count].next()) is not None:
            if opened[block % count].number != block:
                raise opened[block % count]._damaged()
            yield encoded
            block += 1
        for part in opened:
            if part.n_blocks is None:
                part.next()
        if any(part.n_blocks != block for part in opened):
            raise DataError(f"{folder / PARTS}: the parts are of texts of different lengths. Encode all of them anew.")


def beside(path: Path) -> Path:
    """Name the file that a part is written into until it is complete."""
    return path.with_name(f"{path.name}.tmp")
