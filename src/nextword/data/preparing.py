"""From a stream of documents to a folder of token shards, with a manifest after each.

It may be stopped at any time, and goes on. Each shard is written beside its place, forced to the disk and renamed; then
the manifest says that it is there. What goes on after a kill reads those documents again, and encodes from the
one in which the last shard ends.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from nextword.data.corpus import OpenedCorpus
from nextword.data.manifest import (
    MANIFEST,
    TRAIN,
    VAL,
    Manifest,
    ShardEntry,
    TokenizerEntry,
    load_manifest,
    open_entry,
    vocabulary_digest,
)
from nextword.data.parts import PARTS, merged
from nextword.data.shards import HEADER, MOST_TOKENS, header, open_shard, token_type
from nextword.data.token_stream import Digests, EncodedTexts, encode_stream, pieces_of
from nextword.errors import DataError, SettingError
from nextword.runtime.files import sync
from nextword.runtime.locks import acquire
from nextword.tokenizer import GPT2, Tokenizer, save_tokenizer

SHARD_SIZE = 100_000_000
LOCK = ".lock"


@dataclass(frozen=True)
class PreparedSoFar:
    """The shards and tokens that are encoded so far, and the bytes read."""

    shards: int
    tokens: int
    bytes: int


def prepare_shards(
    corpus: OpenedCorpus,
    tokenizer: Tokenizer,
    folder: Path,
    tokenizer_name: str = "gpt2",
    shard_size: int = SHARD_SIZE,
    val: int = 0,
    overwrite: bool = False,
    progress: Callable[[PreparedSoFar], None] = lambda so_far: None,
    threads: int | None = None,
    merge: int = 0,
) -> Manifest:
    """Encode a corpus into a folder of shards, or go on with what was begun.

    shard_size: in tokens; the last shard is shorter. val: so many tokens, the first ones, go to a shard of their own to
    validate on. overwrite: delete the shards that are there. The folder is complete when this returns; one that was
    already is left alone. merge: write what so many parts have encoded (`parts.py`), and then delete them.
    Raises DataError for a folder that holds something else, and SettingError for sizes that cannot be.
    """
    wanted = described(corpus, tokenizer, tokenizer_name, shard_size, val)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        acquire(lock, timeout=0)
    except Timeout:
        raise DataError(f"{folder}: another process is preparing it. Wait for that, or choose another.") from None
    try:
        begun = take_up(folder, wanted, overwrite)
        if begun.complete:
            return begun
        begun.save(folder)  # first, since by its manifest a folder is known after a kill
        if tokenizer.vocabulary is not GPT2:
            save_tokenizer(folder, vocabulary=tokenizer.vocabulary)
        with closing(Preparing(folder, begun, token_type(tokenizer.n_vocab))) as preparing:
            if merge:
                preparing.run(merged(folder, merge, wanted), progress, at=0)
            else:
                pieces = pieces_of(corpus, tokenizer.vocabulary)
                dtype = token_type(tokenizer.n_vocab)
                preparing.run(encode_stream(pieces, tokenizer, dtype, preparing.skip, threads), progress)
        if merge:
            shutil.rmtree(folder / PARTS)
        return preparing.manifest
    finally:
        lock.release()
        (folder / LOCK).unlink(missing_ok=True)


def described(corpus: OpenedCorpus, tokenizer: Tokenizer, name: str, shard_size: int, val: int) -> Manifest:
    """Describe shards before there are any. name: the tokenizer's.

    Raises DataError and SettingError for what cannot be.
    """
    for setting, value, least in (("shard_size", shard_size, 1024), ("val", val, 0)):
        if not least <= value <= MOST_TOKENS:
            raise SettingError(setting, f"must be from {least} to {MOST_TOKENS:,} tokens, not {value}.")
    if corpus.shares:
        raise DataError("Shards hold each text once, so weights mean nothing here. Leave them out.")
    return Manifest(
        name=corpus.name,
        sources=tuple(part.name for part in corpus.parts),
        sha256=corpus.sha256,
        reading=json.loads(json.dumps(asdict(corpus.reading))),
        tokenizer=TokenizerEntry(name, tokenizer.n_vocab, tokenizer.eot_id, vocabulary_digest(tokenizer.vocabulary)),
        shard_size=shard_size,
        val=val,
    )


def take_up(folder: Path, wanted: Manifest, overwrite: bool) -> Manifest:
    """Find what was prepared in a folder before, and check it; else begin anew."""
    found = load_manifest(folder)
    if found is None:
        if there := sorted(path.name for path in folder.iterdir() if path.name not in (LOCK, PARTS)):
            raise DataError(f"{folder}: holds {there[0]} and no {MANIFEST} of shards. Choose a new folder.")
        return wanted
    if overwrite:
        for entry in found.shards:
            (folder / entry.file).unlink(missing_ok=True)
        return wanted
    if differences := found.differences(wanted):
        raise DataError(
            f"{folder}: was begun otherwise ({', '.join(differences)} differs). Choose a new folder, or delete its "
            "shards by `overwrite=True`."
        )
    for entry in found.shards:
        open_entry(folder, entry)
    return found


class Preparing:
    """Writes the shards of a folder, one after the other."""

    def __init__(self, folder: Path, manifest: Manifest, dtype: np.dtype[np.unsignedinteger]):
        self._folder, self._manifest, self._dtype = folder, manifest, dtype
        self._written = sum(entry.tokens for entry in manifest.shards)
        self.skip = max(0, sum(entry.documents for entry in manifest.shards) - 1)  # documents, of finished shards alone
        of_last = manifest.shards[-1].of_last if manifest.shards else 0
        self._at = self._last_start = self._written - of_last  # in tokens of the whole: where encoding begins again
        self._used = np.zeros(manifest.tokenizer.n_vocab, bool)
        self._digests, self._bytes = Digests(), 0
        self._file: BinaryIO | None = None  # of the shard that is being written, beside its place
        self._filled = self._begun_here = 0

    @property
    def manifest(self) -> Manifest:
        """What there is by now."""
        return self._manifest

    def run(
        self, texts: Iterable[EncodedTexts], progress: Callable[[PreparedSoFar], None], at: int | None = None
    ) -> None:
        """Write all that is missing of a text; the manifest is complete then.

        texts: all of it, encoded, but for documents to `skip`. at: the place of its first id, if nothing is skipped.
        """
        self._at = self._at if at is None else at
        for entry in self._manifest.shards:
            shard = open_shard(self._folder / entry.file)
            for start in range(0, shard.n_tokens, 1 << 20):
                self._used[shard.read(start, min(start + (1 << 20), shard.n_tokens))] = True
        for encoded in texts:
            self._digests.add(encoded)
            self._bytes += encoded.n_bytes
            self._used[encoded.ids] = True
            self._add(encoded.ids, encoded.starts)
            progress(PreparedSoFar(len(self._manifest.shards), self._written + self._filled, self._bytes))
        if self._filled:
            self._finish_shard()
        self._check_val()
        self._manifest = replace(
            self._manifest,
            complete=True,
            documents=len(self._digests),
            duplicates=self._digests.duplicates(),
            tokens=self._written,
            bytes=self._bytes,
            vocabulary_used=int(self._used.sum()),
        )
        self._manifest.save(self._folder)

    def _add(self, ids: NDArray[np.unsignedinteger], starts: NDArray[np.int64]) -> None:
        """Write ids, less those that are in finished shards. starts: where documents begin in them."""
        end = self._at + len(ids)
        starts = starts + self._at
        done = min(max(0, self._written + self._filled - self._at), len(ids))
        ids, self._at = ids[done:], self._at + done
        while len(ids):
            taken = ids[: self._capacity - self._filled]
            here = starts[(starts >= self._at) & (starts < self._at + len(taken))]
            self._begun_here += len(here)
            before = starts[starts < self._at + len(taken)]
            if len(before):
                self._last_start = max(self._last_start, int(before[-1]))
            self._write(taken)
            self._filled += len(taken)
            self._at += len(taken)
            ids = ids[len(taken) :]
            if self._filled == self._capacity:
                self._finish_shard()
        self._at = end

    @property
    def _split(self) -> str:
        return VAL if self._manifest.val and not self._manifest.shards else TRAIN

    @property
    def _capacity(self) -> int:
        return self._manifest.val if self._split == VAL else self._manifest.shard_size

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._manifest.name}_{self._split}_{len(self._manifest.shards):06d}.bin"

    def _write(self, ids: NDArray[np.unsignedinteger]) -> None:
        if self._file is None:
            self._file = beside(self._path).open("wb")
            self._file.write(bytes(HEADER))
        self._file.write(ids.tobytes())

    def _finish_shard(self) -> None:
        """Put a shard in its place, and then write the manifest."""
        assert self._file is not None
        manifest, split, path = self._manifest, self._split, self._path
        with self._file as file:
            file.seek(0)
            file.write(header(self._filled, self._dtype))
        sync(beside(path))
        os.replace(beside(path), path)
        sync(self._folder)
        self._written += self._filled
        entry = ShardEntry(
            file=path.name,
            split=split,
            tokens=self._filled,
            documents=self._begun_here,
            of_last=self._written - self._last_start,
            sha256=open_shard(path).sha256(),
        )
        self._manifest = replace(manifest, shards=(*manifest.shards, entry))
        self._manifest.save(self._folder)
        self._file, self._filled, self._begun_here = None, 0, 0

    def _check_val(self) -> None:
        """Raise DataError where validation takes all tokens."""
        if not any(entry.split == TRAIN for entry in self._manifest.shards):
            raise DataError(
                f"{self._manifest.name}: has {self._written:,} tokens, and all of them are to validate on. "
                f"Use `val={self._written // 10}` or less, with `overwrite=True`."
            )

    def close(self) -> None:
        """Delete what of a shard is not finished."""
        if self._file is not None:
            self._file.close()
            beside(self._path).unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Name the file that is written in a shard's place until it is finished."""
    return path.with_name(f"{path.name}.tmp")
