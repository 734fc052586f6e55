"""`nextword tokenizer train`: a vocabulary of one's own, learned from texts."""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from nextword.cli.arguments import parse
from nextword.commands import command
from nextword.data import Reading, open_corpus
from nextword.data.encodings import check_encoding
from nextword.tokenizer import GPT2, Tokenizer, Vocabulary, save_tokenizer
from nextword.tokenizer.patterns import PATTERNS
from nextword.tokenizer.training import train_vocabulary
from nextword.tokenizer.vocab import END_OF_TEXT

SAMPLE = 1_000_000
"""Characters from the beginning of the text, by which the new vocabulary is measured."""

QUIET_SECONDS = 10.0  # where there is no terminal, progress is told this often at most


@dataclass(frozen=True)
class Arguments:
    """Train a byte-level BPE tokenizer on your own texts, in any language.

    It is written as GPT-2's is, so that transformers, tokenizers and tiktoken read it to the same ids.
    """

    data: tuple[str, ...]
    """Texts to learn from: files, folders, and all that `nextword train --data` reads; several are read in order."""

    vocab_size: int
    """How many ids: 256 bytes, as many merges as fit, and the special tokens. 8000 does for a few megabytes."""

    out: str
    """The directory to write to. What is there already is not touched without --overwrite."""

    pattern: Annotated[Literal[tuple(PATTERNS)], tyro.conf.arg(help_behavior_hint="(default: gpt2)")] = "gpt2"  # type: ignore[valid-type]
    """How texts are cut into pieces that no token crosses: gpt2 into words with the space before them; gpt4 likewise,
    but at most three digits together; gpt4o keeps marks with their letters, as Bengali and Hindi want it; none not at
    all, which takes much memory."""

    special: Annotated[tuple[str, ...], tyro.conf.arg(help_behavior_hint="")] = ()
    """Tokens that no text spells, besides <|endoftext|>, such as <|user|>."""

    field: str | None = None
    """The column of the text in JSON, tables and Parquet. Default: the only one that can be it."""

    encoding: str | None = None
    """The texts' encoding, such as utf-16 or windows-1252. Default: UTF-8."""

    processes: int | None = None
    """How many processes count. The result does not depend on it. Default: one a core."""

    overwrite: bool = False
    """Replace the tokenizer that is in the directory."""


def train(arguments: list[str]) -> int:
    """Train, write the directory, and say how well the tokens fit."""
    args = parse(Arguments, "tokenizer train", arguments)
    out = Path(args.out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file. Choose a directory.")
    if out.is_dir() and any(out.iterdir()) and not args.overwrite:
        raise ValueError(f"--out {out} is there already. Choose a new directory, or add --overwrite.")
    if args.processes is not None and args.processes < 1:
        raise ValueError(f"--processes must be at least 1, not {args.processes}.")
    sample = Sample(read_texts(args))
    special = tuple(dict.fromkeys((END_OF_TEXT, *args.special)))
    with Bar() as bar:
        vocabulary = train_vocabulary(sample, args.vocab_size, args.pattern, special, args.processes, bar.show)
    save_tokenizer(out, vocabulary=vocabulary)
    print(account(vocabulary, sample.text, out))
    return 0


def read_texts(args: Arguments) -> Iterable[str]:
    """Open the texts to learn from, and say how they are read. Long ones come in parts, unless nothing may cut them."""
    if args.encoding is not None:
        check_encoding(args.encoding)
    corpus = open_corpus(args.data, Reading(encoding=args.encoding, field=args.field))
    if corpus.shares:
        raise ValueError("A tokenizer counts each text once, so weights mean nothing here. Leave them out.")
    for sentence in corpus.account:
        print(sentence, file=sys.stderr)
    return corpus.documents() if args.pattern == "none" else (text for text, _ in corpus.pieces())


class Sample:
    """Hand texts on, and keep the beginning."""

    def __init__(self, texts: Iterable[str]):
        self.text = ""
        self._texts = texts

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            if len(self.text) < SAMPLE:
                self.text += text[: SAMPLE - len(self.text)]
            yield text


class Bar:
    """Show progress on standard error: a bar in a terminal, elsewhere a line now and then."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), console=self.console,
            transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=None, done="")
        self._told_at = time.monotonic()

    def __enter__(self) -> "Bar":
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._progress.stop()

    def show(self, what: str, done: int, total: int | None) -> None:
        """Show one more step of training."""
        told = f"{done:,} characters" if total is None else f"{done:,} of {total:,} merges"
        if self.console.is_terminal:
            self._progress.update(
                self._task, description={"count": "Counting", "merge": "Merging"}[what], completed=done, total=total,
                done=told,
            )  # fmt: skip
        elif time.monotonic() - self._told_at >= QUIET_SECONDS:
            self._told_at = time.monotonic()
            print(told, file=sys.stderr, flush=True)


def account(vocabulary: Vocabulary, text: str, out: Path) -> str:
    """Describe the new vocabulary in four lines: its parts, its fit to the text, the next command."""
    n_bytes, special = len(text.encode("utf-8", "replace")), ", ".join(vocabulary.special)
    ours, gpt2s = (n_bytes / max(len(Tokenizer(one).encode(text)), 1) for one in (vocabulary, GPT2))
    return (
        f"Wrote {vocabulary.n_vocab:,} ids to {out}: 256 bytes, {len(vocabulary.merges):,} merges, {special}.\n"
        f"In the beginning of the text a token is {ours:.2f} bytes; of GPT-2's vocabulary, {gpt2s:.2f}.\n"
        f"To look at them: {command('tokenizer', 'show', 'Every effort moves you', '--tokenizer', out)}\n"
        f"To train a model on them: {command('train', '--tokenizer', out, '--data')} ..."
    )
