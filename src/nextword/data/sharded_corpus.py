"""A corpus on the disk: token shards, or a text too long for memory, encoded into some."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.data.corpus import Corpus, OpenedCorpus, fits_memory, into_memory, open_corpus
from nextword.data.manifest import load_manifest
from nextword.data.preparing import PreparedSoFar, described, prepare_shards
from nextword.data.reading import AS_USUAL, Reading
from nextword.data.shard_folder import ShardFolder, find_shards
from nextword.data.shards import TokenFiles
from nextword.data.statistics import Statistics
from nextword.errors import DataError

if TYPE_CHECKING:
    from nextword.tokenizer import Tokenizer

IN_MEMORY = 32_000_000
"""Characters up to which a text is held in memory, with its ids about half a gigabyte; a longer one stays on disk."""

SHARD_SIZE = 1 << 25
TELL_SECONDS = 10.0
BEGINNING = 256  # tokens

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ShardedCorpus:
    """A corpus of token ids on the disk. All is as in `Corpus`.

    is_text: it was read as a text, so that its first document has no mark before it, as in `encode_corpus`.
    """

    name: str
    sha256: str
    folder: ShardFolder
    reading: Reading = AS_USUAL
    account: tuple[str, ...] = ()
    is_text: bool = False
    shares: tuple[()] = ()

    @property
    def n_documents(self) -> int | None:
        """Count the documents; None where nobody has."""
        return None if self.folder.manifest is None else self.folder.manifest.documents

    @property
    def statistics(self) -> Statistics | None:
        """Give the counts of all tokens; None where nobody has counted."""
        return self.folder.statistics

    def split(self, n_vocab: int, val_fraction: float) -> tuple[TokenFiles, TokenFiles]:
        """Give the ids to train on and those to validate on."""
        manifest = self.folder.manifest
        has_mark = manifest is not None and manifest.tokenizer.end_of_text is not None
        return self.folder.split(n_vocab, val_fraction, is_between=self.is_text and has_mark)

    def beginning(self, tokenizer: "Tokenizer") -> str:
        """Decode the beginning of the first document."""
        ids = TokenFiles(self.folder.train, tokenizer.n_vocab)
        first = ids.read(0, min(BEGINNING, len(ids))).tolist()
        if first and first[0] == tokenizer.eot_id:
            del first[0]
        end = first.index(tokenizer.eot_id) if tokenizer.eot_id in first else None
        return tokenizer.decode(first[:end])


def open_data(
    data: Sequence[str | Path], reading: Reading, most: int | None = IN_MEMORY
) -> Corpus | OpenedCorpus | ShardedCorpus:
    """Open a user's sources to train on: token shards, or text, in memory if it is short.

    most: characters up to which it is; None holds any text in memory. Several sources with weights are held, too.
    Raises DataError as `read_corpus` does.
    """
    for source in data:
        if (found := find_shards(source)) is None:
            continue
        if len(data) > 1:
            raise DataError(f"{source}: token shards are trained on alone. Name nothing else, or prepare all together.")
        return ShardedCorpus(found.name, found.sha256, found, reading, found.account())
    opened = open_corpus(data, reading)
    if most is None or opened.shares or fits_memory(opened, most):
        return into_memory(opened)
    return opened


def onto_disk(corpus: OpenedCorpus, tokenizer: "Tokenizer", folder: Path, tell: Tell) -> ShardedCorpus:
    """Encode a text into shards in a folder of its own, unless they are there."""
    wanted, found = described(corpus, tokenizer, "the run's", SHARD_SIZE, 0), load_manifest(folder)
    is_other = found is not None and bool(found.differences(wanted))
    if is_other or found is None or not found.complete:
        tell(f"{corpus.name} is too long for memory: encoding it into {folder}, from where it is read as needed.")
    told_at = time.monotonic()

    def show(so_far: PreparedSoFar) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > TELL_SECONDS:
            told_at = time.monotonic()
            tell(f"Encoded {so_far.bytes / 1e6:,.0f} MB, {so_far.tokens:,} tokens.")

    prepare_shards(corpus, tokenizer, folder, "the run's", SHARD_SIZE, overwrite=is_other, progress=show)
    shards = find_shards(folder, check=False)  # what was there has just been checked
    assert shards is not None
    kept = f"Its tokens are in {folder}, which may be deleted after the run."
    return ShardedCorpus(corpus.name, corpus.sha256, shards, corpus.reading, (*corpus.account, kept), is_text=True)
