"""`nextword data prepare`: texts into token shards."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from nextword.cli.arguments import parse
from nextword.commands import command
from nextword.data import Reading, open_corpus
from nextword.data.corpus import OpenedCorpus
from nextword.data.encodings import check_encoding
from nextword.data.manifest import Manifest
from nextword.data.parts import parse_part, prepare_part
from nextword.data.preparing import SHARD_SIZE, PreparedSoFar, described, prepare_shards
from nextword.errors import SettingError
from nextword.tokenizer import Tokenizer, load_tokenizer
from nextword.tokenizer.characters import character_vocabulary
from nextword.tokenizer.directory import make_tokenizer
from nextword.tokenizer.vocab import END_OF_TEXT

QUIET_SECONDS = 10.0  # where there is no terminal, progress is told this often at most


@dataclass(frozen=True)
class Arguments:
    """Encode texts of any size into token shards, on all cores, with <|endoftext|> before each document.

    The same command goes on with what a kill has left, without a document doubled or lost.
    """

    data: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Texts: files, folders, and all that `nextword train --data` reads."""

    out: str
    """The folder for the shards and their manifest."""

    tokenizer: str = "gpt2"
    """gpt2, bytes, chars (those of the texts), or the directory of a tokenizer."""

    shard_size: int = SHARD_SIZE
    """Tokens of a shard; the last one is shorter."""

    val: int = 0
    """Tokens, the first ones, for a shard of their own to validate on, as llm.c wants it. Default: 0;
    training then sets the end aside."""

    separator: str = END_OF_TEXT
    """What separates documents within a file. \\n is a line break; "" means no separator."""

    encoding: str | None = None
    """The texts' encoding, such as utf-16 or windows-1252. Default: UTF-8."""

    as_text: bool = False
    """Take JSON, tables and the like as they stand, with all their marks."""

    field: str | None = None
    """The column of the text in JSON, tables and Parquet. Default: the only one that can be it."""

    part: str | None = None
    """Encode one part of the text alone: 1/8, 2/8, ... on eight machines, which share the folder. Then --merge 8."""

    merge: int = 0
    """Write the shards from so many parts, to the bytes that one machine would have written."""

    overwrite: bool = False
    """Begin anew, deleting the shards in the folder."""


def prepare(arguments: list[str]) -> int:
    """Prepare the folder, and say what is in it."""
    args = parse(Arguments, "data prepare", arguments)
    if args.encoding is not None:
        check_encoding(args.encoding)
    separator = args.separator.replace("\\n", "\n")
    corpus = open_corpus(args.data, Reading(separator, args.encoding, args.as_text, field=args.field))
    for sentence in corpus.account:
        print(sentence, file=sys.stderr)
    folder, tokenizer = Path(args.out), named_tokenizer(args.tokenizer, corpus)
    if args.part is not None:
        return prepare_one(args, corpus, tokenizer, folder)
    if args.merge < 0:
        raise SettingError("merge", f"is a number of parts, not {args.merge}.")
    with Told() as told:
        manifest = prepare_shards(
            corpus,
            tokenizer,
            folder,
            args.tokenizer,
            args.shard_size,
            args.val,
            args.overwrite,
            told.show,
            merge=args.merge,
        )
    print(account(manifest, folder))
    return 0


def prepare_one(args: Arguments, corpus: OpenedCorpus, tokenizer: Tokenizer, folder: Path) -> int:
    """Encode one part, and say what comes next."""
    part = parse_part(args.part or "")
    if args.merge:
        raise SettingError("merge", "comes after all parts are encoded: leave out `part` then.")
    wanted = described(corpus, tokenizer, args.tokenizer, args.shard_size, args.val)
    with Told() as told:
        n_tokens = prepare_part(corpus, tokenizer, folder, part, wanted, args.overwrite, told.show_part)
    print(
        f"{part.path(folder)}: part {part.number} of {part.count}, {n_tokens:,} tokens. When all are there, the same "
        f"command with --merge {part.count} instead of --part makes shards of them."
    )
    return 0


def named_tokenizer(name: str, corpus: OpenedCorpus) -> Tokenizer:
    """Load a tokenizer, or make the one of a corpus's characters."""
    return make_tokenizer(character_vocabulary(corpus.documents())) if name == "chars" else load_tokenizer(name)


class Told:
    """Show how far preparing is, on standard error: one line in a terminal, some lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("Reading the texts")
        self._began = self._told_at = time.monotonic()

    def __enter__(self) -> "Told":
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show_part(self, tokens: int, n_bytes: int) -> None:
        """Show progress of a part, likewise."""
        self.show(PreparedSoFar(0, tokens, n_bytes))

    def show(self, so_far: PreparedSoFar) -> None:
        """Show progress, if there is a terminal or it is time."""
        now = time.monotonic()
        if now - self._told_at < (0.1 if self._console.is_terminal else QUIET_SECONDS):
            return
        self._told_at = now
        rate = so_far.bytes / (now - self._began) / 1e6
        said = f"{so_far.tokens:,} tokens, {so_far.shards} shards, {so_far.bytes / 1e6:,.0f} MB at {rate:.1f} MB/s"
        if self._console.is_terminal:
            self._status.update(said)
        else:
            print(said, file=sys.stderr, flush=True)


def account(manifest: Manifest, folder: Path) -> str:
    """Describe the folder, and name the commands that come next."""
    n = len(manifest.shards)
    sentences = manifest.statistics.sentences()
    return (
        f"{folder}: {n} {'shard' if n == 1 else 'shards'}, tokenizer {manifest.tokenizer.name}.\n"
        f"{chr(10).join(sentences)}\n"
        f"To look at it: {command('data', 'show', folder)}\n"
        f"To train on it: {command('train', '--data', folder)}"
    )
