"""Token shards as a user names them: our folder, one of llm.c's or modded-nanogpt's, a file."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nextword.commands import command
from nextword.data.manifest import MANIFEST, TRAIN, VAL, Manifest, load_manifest, open_entry, vocabulary_digest
from nextword.data.shards import FORMATS, Shard, TokenFiles, open_shard
from nextword.data.statistics import Statistics
from nextword.errors import DataError, TokenizerError
from nextword.tokenizer import GPT2, Vocabulary

LARGEST_VAL = 1 << 20  # tokens to validate on: each validation reads all of them


@dataclass(frozen=True)
class ShardFolder:
    """Shards to train on and to validate on; manifest is None where another program wrote them.

    name and path: as `Corpus` has the name, and as the user named it.
    """

    name: str
    path: Path
    train: tuple[Shard, ...]
    val: tuple[Shard, ...]
    manifest: Manifest | None = None

    @cached_property
    def sha256(self) -> str:
        """Identify the contents (hex): the manifest's own digest, or one of those of all files."""
        if self.manifest is not None:
            return hashlib.sha256((self.path / MANIFEST).read_bytes()).hexdigest()
        digests = "".join(shard.sha256() for shard in (*self.train, *self.val))
        return hashlib.sha256(digests.encode()).hexdigest()

    def vocabulary(self) -> Vocabulary | None:
        """Load the vocabulary that made the shards; None if there is no manifest to say. Raises TokenizerError."""
        if self.manifest is None:
            return None
        from nextword.tokenizer.directory import load_vocabulary

        found = load_vocabulary(self.path) or GPT2
        self.check_vocabulary(found)
        return found

    def check_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Raise TokenizerError for another vocabulary than that of the manifest."""
        if self.manifest is not None and vocabulary_digest(vocabulary) != self.manifest.tokenizer.sha256:
            raise TokenizerError(
                f"{self.path} was prepared with the tokenizer {self.manifest.tokenizer.name!r} of "
                f"{self.manifest.tokenizer.n_vocab:,} ids, and this is another one, of {vocabulary.n_vocab:,}. "
                "Leave out `tokenizer`, or prepare the text anew with it."
            )

    @property
    def statistics(self) -> Statistics | None:
        """Give the counts of the whole text; None if there is no manifest."""
        return None if self.manifest is None else self.manifest.statistics

    def account(self) -> tuple[str, ...]:
        """Describe the files, in sentences."""
        n = len(self.train) + len(self.val)
        tokens = sum(shard.n_tokens for shard in (*self.train, *self.val))
        who = "nextword" if self.manifest else "another program"
        files = f"{n} {'shard' if n == 1 else 'shards'}"
        return (f"Read {tokens:,} tokens in {files} by {who}, from the disk as they are needed.",)

    def split(self, n_vocab: int, val_fraction: float, is_between: bool = False) -> tuple[TokenFiles, TokenFiles]:
        """Divide the ids into those to train on and those to validate on.

        Those are the val shard's, or else the end of the others.

        At most LARGEST_VAL are to validate on. is_between: leave out the first id, the mark before the first
        document, so that marks stand between documents only, as `encode_corpus` has them.
        """
        ids = TokenFiles(self.train, n_vocab, start=int(is_between))
        if self.val:
            return ids, TokenFiles(self.val, n_vocab, end=LARGEST_VAL)
        n_val = min(max(2, round(val_fraction * len(ids))), LARGEST_VAL)
        n_train = max(0, len(ids) - n_val)
        return ids.part(0, n_train), ids.part(n_train, len(ids))


def find_shards(source: str | Path, check: bool = True) -> ShardFolder | None:
    """Open the shards of a user's source; None for any other source.

    check: compare their contents with the manifest's digests. Raises DataError for shards that are damaged.
    """
    path = Path(os.path.expanduser(source))
    if path.is_file():
        return ShardFolder(path.stem, path, (open_shard(path),), ()) if is_shard(path) else None
    if not path.is_dir():
        return None
    name = Path(os.path.abspath(path)).name.lstrip(".") or "tokens"
    manifest = load_manifest(path)
    if manifest is None:
        files = {split: sorted(path.glob(f"*_{split}_*.bin")) for split in (TRAIN, VAL)}
        return ShardFolder(name, path, opened(files[TRAIN]), opened(files[VAL])) if files[TRAIN] else None
    if not manifest.complete:
        again = command("data", "prepare")
        raise DataError(f"{path}: was not prepared to its end. Give the same `{again}` again.")
    train, val = (
        [open_entry(path, entry, check) for entry in manifest.shards if entry.split == split] for split in (TRAIN, VAL)
    )
    return ShardFolder(name, path, tuple(train), tuple(val), manifest)


def opened(paths: Sequence[Path]) -> tuple[Shard, ...]:
    """Open shards, and check their headers."""
    return tuple(open_shard(path) for path in paths)


def is_shard(path: Path) -> bool:
    """Whether a file begins as a shard does."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    marks = {magic.to_bytes(4, "little") + version.to_bytes(4, "little") for magic, version in FORMATS}
    return head in marks
