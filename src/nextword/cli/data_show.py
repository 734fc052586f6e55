"""`nextword data show`: what a folder of token shards holds."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro

from nextword.cli.arguments import parse
from nextword.commands import command
from nextword.data.shard_folder import ShardFolder, find_shards
from nextword.data.shards import TokenFiles
from nextword.errors import DataError
from nextword.tokenizer import GPT2
from nextword.tokenizer.directory import make_tokenizer

AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Arguments:
    """Say what a folder of token shards holds, and write the beginning of a document. Its files are checked, too."""

    folder: Annotated[str, tyro.conf.Positional]
    """A folder of `nextword data prepare`, llm.c or modded-nanogpt, or one shard."""

    document: int = 1
    """Which document to show the beginning of, 1 the first."""

    tokens: int = 64
    """How many of its tokens."""


def show(arguments: list[str]) -> int:
    """Print the folder's contents."""
    args = parse(Arguments, "data show", arguments)
    for name in ("document", "tokens"):
        if getattr(args, name) < 1:
            raise ValueError(f"--{name} must be at least 1, not {getattr(args, name)}.")
    found = find_shards(args.folder)
    if found is None:
        raise DataError(
            f"{args.folder}: no token shards. Expected a folder that `{command('data', 'prepare')}` has written, "
            "or with files such as fineweb_train_000001.bin."
        )
    print("\n".join(contents(found)))
    tokenizer = make_tokenizer(found.vocabulary() or GPT2)
    ids = document(found, tokenizer.eot_id, tokenizer.n_vocab, args.document, args.tokens)
    print(f"\nDocument {args.document} begins, ids {' '.join(map(str, ids[:8]))} ...:\n{tokenizer.decode(ids)}")
    return 0


def contents(found: ShardFolder) -> list[str]:
    """Describe a folder in lines."""
    said = found.manifest
    if said is None:
        lines = [f"{found.path}: token shards of another program, read as GPT-2's ids"]
    else:
        lines = [
            f"{found.path}: {', '.join(said.sources)}",
            f"Tokenizer {said.tokenizer.name}, {said.tokenizer.n_vocab:,} ids; the text's SHA-256 {said.sha256}.",
        ]
    if found.statistics is not None:
        lines += found.statistics.sentences()
    wide = max(len(shard.path.name) for shard in (*found.train, *found.val))
    documents = {entry.file: f", {entry.documents:,} documents begin" for entry in said.shards} if said else {}
    for shard in (*found.val, *found.train):
        name = shard.path.name
        lines.append(f"  {name:<{wide}}  {shard.n_tokens:>13,} tokens, {shard.dtype.name}{documents.get(name, '')}")
    return lines


def document(found: ShardFolder, mark: int | None, n_vocab: int, number: int, n_tokens: int) -> list[int]:
    """Find the first tokens of a document, without the mark before it. Raises DataError where there are fewer."""
    ids = TokenFiles((*found.val, *found.train), n_vocab)
    if mark is None:
        if number > 1:
            raise DataError(f"{found.path}: its tokenizer has no mark between documents. Look at the first one.")
        return ids.read(0, min(n_tokens, len(ids))).tolist()
    before = 0
    for start in range(0, len(ids), AT_ONCE):
        marks = np.flatnonzero(ids.read(start, min(start + AT_ONCE, len(ids))) == mark)
        if before + len(marks) >= number:
            at = start + int(marks[number - before - 1]) + 1
            held = ids.read(at, min(at + n_tokens, len(ids)))
            ends = np.flatnonzero(held == mark)
            return held[: ends[0] if len(ends) else None].tolist()
        before += len(marks)
    raise DataError(f"{found.path}: has {before:,} documents, and so no document {number:,}.")
