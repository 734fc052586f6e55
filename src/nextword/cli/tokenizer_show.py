"""`nextword tokenizer show`: a text as its tokens."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nextword.cli.arguments import parse, read_prompt
from nextword.tokenizer.directory import load_tokenizer

COLOURS = ("#9ecae1", "#fdd0a2", "#a1d99b", "#fcbba1", "#bcbddc")
ROWS = 100  # tokens that get a line each


@dataclass(frozen=True)
class Arguments:
    """Show a text as its tokens: in colours, then each with its id and its bytes."""

    text: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(help_behavior_hint="")] = None
    """The text. Without it, standard input is read. <|endoftext|> and the like are special tokens."""

    tokenizer: str = "gpt2"
    """gpt2, bytes, or a directory: one that `nextword tokenizer train` wrote, or any model's."""


def show(arguments: list[str]) -> int:
    """Print the tokens; in a pipe and with NO_COLOR, with | between them."""
    args = parse(Arguments, "tokenizer show", arguments)
    text = read_prompt("tokenizer show", args.text)
    tokenizer = load_tokenizer(args.tokenizer)
    ids = tokenizer.encode(text, allow_special=True)
    tokens = [tokenizer.decode_bytes([id]) for id in ids]
    console = Console(highlight=False)
    console.print(coloured(tokens) if has_colour(console) else Text("|".join(map(readable, tokens))), soft_wrap=True)
    if ids:
        console.print(token_table(ids, tokens))
    if len(ids) > ROWS:
        console.print(f"... and {len(ids) - ROWS:,} more")
    n_bytes, n_words = len(text.encode("utf-8", "surrogatepass")), len(text.split())
    rates = f": {n_bytes / len(ids):.2f} bytes a token, {len(ids) / n_words:.2f} tokens a word" if n_words else ""
    counts = [counted(len(ids), "token"), counted(n_bytes, "byte"), counted(n_words, "word")]
    console.print(f"{counts[0]} of {tokenizer.n_vocab:,}, {counts[1]}, {counts[2]}{rates}")
    if (back := tokenizer.decode(ids)) != text:
        console.print(f"These tokens lose some of the text: it comes back as {readable(back.encode())}", markup=False)
    return 0


def counted(n: int, what: str) -> str:
    """Write a number of things: 1 byte, 2,000 bytes."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def has_colour(console: Console) -> bool:
    """Whether tokens can be told apart by colour."""
    return console.is_terminal and not console.no_color and console.color_system is not None


def coloured(tokens: list[bytes]) -> Text:
    """Lay tokens side by side, each on another colour than its neighbours."""
    shown = Text()
    for place, token in enumerate(tokens):
        colour = COLOURS[place % len(COLOURS)]
        shown.append(readable(token).replace("↵", "↵\n"), Style(color="black", bgcolor=colour))
    return shown


def token_table(ids: list[int], tokens: list[bytes]) -> Table:
    """Make a line for each token: its id, its text with visible spaces, and its bytes."""
    table = Table("id", "token", "bytes", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[0].justify = "right"
    for id, token in list(zip(ids, tokens, strict=True))[:ROWS]:
        table.add_row(str(id), Text(readable(token).replace(" ", "␣")), token.hex(" "))
    return table


def readable(token: bytes) -> str:
    """Write a token on one line: what is no whole character, or does not print, as \\xff.

    >>> readable("🙂\\n".encode()), readable("🙂".encode()[:2]), readable(b"\\x1b[31m")
    ('🙂↵', '\\\\xf0\\\\x9f', '\\\\x1b[31m')
    """
    text = token.decode("utf-8", errors="backslashreplace").replace("\n", "↵").replace("\t", "⇥")
    return "".join(
        char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8")) for char in text
    )
