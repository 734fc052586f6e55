"""The manifest of a folder of token shards: its contents, and their sources."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextword.data.shards import Shard, open_shard
from nextword.data.statistics import Statistics
from nextword.errors import DataError
from nextword.runtime.files import replacing

if TYPE_CHECKING:
    from nextword.tokenizer import Vocabulary

MANIFEST = "manifest.json"
FORMAT = "nextword token shards, version 1"
TRAIN, VAL = "train", "val"


@dataclass(frozen=True)
class ShardEntry:
    """A finished shard. documents: how many begin in it. of_last: tokens, in this file and those before, that are of
    the last document that has begun; by both, preparing goes on after a kill.
    """

    file: str
    split: str
    tokens: int
    documents: int
    of_last: int
    sha256: str


@dataclass(frozen=True)
class TokenizerEntry:
    """The tokenizer that made the shards. sha256 (hex): see `vocabulary_digest`."""

    name: str
    n_vocab: int
    end_of_text: int | None
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of shards holds.

    sha256 (hex): of the text, as `Corpus` has it. reading: how it was read. val: tokens, from the beginning of the
    text, that are kept away from training. bytes: of the text in UTF-8. The counts are of all, and 0 until complete.
    """

    name: str
    sources: tuple[str, ...]
    sha256: str
    reading: Mapping[str, Any]
    tokenizer: TokenizerEntry
    shard_size: int
    val: int
    complete: bool = False
    documents: int = 0
    duplicates: int = 0
    tokens: int = 0
    bytes: int = 0
    vocabulary_used: int = 0
    shards: tuple[ShardEntry, ...] = ()

    @property
    def statistics(self) -> Statistics:
        """Give the counts of the whole text."""
        n_vocab = self.tokenizer.n_vocab
        return Statistics(self.documents, self.duplicates, self.tokens, self.bytes, self.vocabulary_used, n_vocab)

    def save(self, folder: Path) -> None:
        """Write the manifest, in one step."""
        content = {"format": FORMAT} | asdict(self)
        with replacing(folder / MANIFEST) as beside:
            beside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def differences(self, other: "Manifest") -> list[str]:
        """Name the settings that another manifest has otherwise, in words."""
        differs = {
            "the text": self.sha256 != other.sha256,
            "how it is read": self.reading != other.reading,
            "the tokenizer": self.tokenizer.sha256 != other.tokenizer.sha256,
            "the size of shards": self.shard_size != other.shard_size,
            "the number of tokens to validate on": self.val != other.val,
        }
        return [what for what, is_so in differs.items() if is_so]


def load_manifest(folder: Path) -> Manifest | None:
    """Read a folder's manifest; None if it has none of ours. Raises DataError for a damaged one."""
    path = folder / MANIFEST
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}). Prepare the folder anew.") from error
    if not isinstance(said, dict) or not str(said.get("format", "")).startswith("nextword token shards"):
        return None
    if said["format"] != FORMAT:
        raise DataError(f"{path}: is {said['format']!r}, and this nextword reads {FORMAT!r}. Prepare the folder anew.")
    try:
        return manifest_of(said)
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: lacks something ({error}). Prepare the folder anew.") from error


def manifest_of(said: Mapping[str, Any]) -> Manifest:
    """Undo `asdict`, from JSON. Raises KeyError or TypeError where something is missing."""
    known = {field.name: said[field.name] for field in fields(Manifest)}
    known["tokenizer"] = TokenizerEntry(**said["tokenizer"])
    known["shards"] = tuple(ShardEntry(**shard) for shard in said["shards"])
    return Manifest(**known | {"sources": tuple(said["sources"])})


def open_entry(folder: Path, entry: ShardEntry, check: bool = True) -> Shard:
    """Open a shard that a manifest names. Raises DataError where it is not the file that was written."""
    path = folder / entry.file
    shard = open_shard(path)
    if shard.n_tokens != entry.tokens or (check and shard.sha256() != entry.sha256):
        raise DataError(
            f"{path}: is not the file that {MANIFEST} names (its content differs). Put it back, or prepare anew."
        )
    return shard


def vocabulary_digest(vocabulary: "Vocabulary") -> str:
    """Compute the SHA-256 (hex) of all that decides on a tokenizer's ids."""
    digest = hashlib.sha256()
    merges = () if vocabulary.files else vocabulary.merge_list()
    used = len(vocabulary.tokens)
    while used and not vocabulary.tokens[used - 1]:  # a padded vocabulary has the same ids
        used -= 1
    for part in (*vocabulary.tokens[:used], *(token for pair in merges for token in pair)):
        digest.update(len(part).to_bytes(4, "little") + part)
    said = (sorted(vocabulary.special.items()), vocabulary.pattern, vocabulary.end_of_text)
    digest.update(repr(said).encode())
    for name, content in sorted((vocabulary.files or {}).items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()
