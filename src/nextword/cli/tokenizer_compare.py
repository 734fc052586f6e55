"""`nextword tokenizer compare`: how well several tokenizers fit a text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nextword.cli.arguments import parse
from nextword.data import OpenedCorpus, Reading, open_corpus
from nextword.data.encodings import check_encoding
from nextword.errors import DataError
from nextword.tokenizer.comparison import NAMES, UNSPACED, Fit, MeasuredText, fit, read_scripts
from nextword.tokenizer.directory import load_tokenizer

MOST = 10_000_000
"""Characters that are compared on: more change no digit that is shown."""


@dataclass(frozen=True)
class Arguments:
    """Compare tokenizers on a text: how long their tokens are, and how many a word takes, by script."""

    tokenizers: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Two or more, or one: gpt2, bytes, and directories."""

    data: tuple[str, ...]
    """The text: files, folders, and all that `nextword train --data` reads. Best one that no tokenizer has seen."""

    field: str | None = None
    """The column of the text in JSON, tables and Parquet. Default: the only one that can be it."""

    encoding: str | None = None
    """The text's encoding, such as utf-16 or windows-1252. Default: UTF-8."""


def compare(arguments: list[str]) -> int:
    """Print two tables, with a row for each script and a column for each tokenizer."""
    args = parse(Arguments, "tokenizer compare", arguments)
    if not args.tokenizers:
        raise ValueError("Which tokenizers? Name gpt2, bytes or directories.")
    tokenizers = [load_tokenizer(name) for name in args.tokenizers]
    if args.encoding is not None:
        check_encoding(args.encoding)
    corpus = open_corpus(args.data, Reading(encoding=args.encoding, field=args.field))
    if corpus.shares:
        raise DataError("All of the text is compared on, so weights mean nothing here. Leave them out.")
    text = read_scripts(beginning(corpus))
    fits = [fit(tokenizer, text) for tokenizer in tokenizers]
    rows = [name for name in (*NAMES[1:], NAMES[0], "all") if any(name in one for one in fits)]
    rows.sort(key=lambda name: -max(one[name].n_bytes for one in fits if name in one) if name in NAMES[1:] else 1)
    console = Console(highlight=False)
    lengths = table("bytes a token", rows, args.tokenizers, fits, lambda one: f"{one.bytes_a_token:.2f}")
    lengths.add_row("ids", *(f"{tokenizer.n_vocab:,}" for tokenizer in tokenizers))
    console.print(lengths)
    console.print()
    with_words = [name for name in rows if name in text.n_words]
    console.print(table("tokens a word", with_words, args.tokenizers, fits, lambda one: f"{one.tokens_a_word:.2f}"))
    if letters := [name for name in with_words if name in UNSPACED]:
        console.print(f"Of {', '.join(letters)}: tokens a letter, since there are no spaces between words.")
    if any(name not in one for one in fits for name in rows):
        console.print("-: this tokenizer does not tell which letters a token stands for.")
    console.print(described(text))
    return 0


def beginning(corpus: OpenedCorpus) -> str:
    """Read a corpus up to MOST characters, with a line break between documents."""
    found: list[str] = []
    left = MOST
    for text, ends in corpus.pieces():
        found += [text[:left], "\n" if ends else ""]
        left -= len(text)
        if left <= 0:
            break
    return "".join(found).removesuffix("\n")


def table(
    title: str, rows: Sequence[str], names: Sequence[str], fits: Sequence[Mapping[str, Fit]], show: Callable[[Fit], str]
) -> Table:
    """Lay out one number of each tokenizer for each script; a dash where it cannot be told."""
    laid_out = Table(title, box=None, header_style="bold", padding=(0, 3, 0, 0))
    for name in names:
        laid_out.add_column(escape(name), justify="right", overflow="fold")
    for row in rows:
        laid_out.add_row(row, *(show(one[row]) if row in one else "-" for one in fits))
    return laid_out


def described(text: MeasuredText) -> str:
    """Say what was compared on."""
    end = ", where the comparison ends" if len(text.text) >= MOST else ""
    return f"On {len(text.scripts):,} bytes, {len(text.text):,} characters{end}."
