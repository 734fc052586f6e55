"""Encoding: from a text to the numbers that a network can compute with."""

from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.tokenizer import bpe
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def reference(on: Mistakes) -> Any:
    """GPT-2's encoding, with these mistakes."""

    def ordinary(text: str) -> list[Any]:
        pieces = bpe.split(text)
        if "not-cut" in on:
            pieces = [text]
        if "character-by-character" in on:
            pieces = list(text)
        if "cut-at-spaces" in on:
            pieces = text.split()
        if "spaces-stripped" in on:
            pieces = [piece.strip() for piece in pieces]
        codec, errors = "utf-8", "strict"
        if "ascii-only" in on:
            codec, errors = "ascii", "ignore"
        if "latin-1" in on:
            codec = "latin-1"
        ids = [list(bpe.encode_piece(piece.encode(codec, errors))) for piece in pieces]
        if "first-id-only" in on:
            ids = [piece[:1] for piece in ids]
        return ids if "a-list-of-lists" in on else [id for piece in ids for id in piece]

    def encode(text: str, allow_special: bool = False) -> list[Any]:
        if "ends-stripped" in on:
            text = text.strip()
        if "space-added" in on:
            text = " " + text
        if "mark-removed" in on and not allow_special:
            text = text.replace(END_OF_TEXT, "")
        special = (allow_special or "special-always" in on) and "special-never" not in on
        documents = text.split(END_OF_TEXT, 1 if "first-mark-only" in on else -1) if special else [text]
        if "lower-case" in on:
            documents = [document.lower() for document in documents]
        ids: list[Any] = []
        for number, document in enumerate(documents):
            if number and not {"mark-lost", "mark-at-the-end"} & on:
                ids.append(END_OF_TEXT_ID)
            ids += ordinary(document)
            if "mark-at-the-end" in on and special:
                ids.append(END_OF_TEXT_ID)
        return ids

    return SimpleNamespace(encode=encode)


def encoding(text: str, **allow_special: bool) -> Probe:
    """What an answer makes of a text."""
    name = repr(text) + (", with allow_special=True" if allow_special else "")
    return Probe(name, lambda solution: solution.encode(text, **allow_special))


EXERCISE = exercise_in(
    __file__,
    title="Text to ids",
    task="""\
A network computes with numbers, so a text becomes a list of ids: places in GPT-2's vocabulary of 50,257 tokens.

    "Hello, I'm"  ->  "Hello" "," " I" "'m"  ->  bytes  ->  15496 11 314 1101

Two steps are given. `split(text)` cuts the text into pieces, and no token reaches across two of them.
`encode_piece(piece)` gives the ids of one piece, of its bytes in UTF-8: one id where the piece is in the vocabulary,
as most words are, or else several. (How it does that is the exercise bpe_merges.) Put them together, and take care of
the mark <|endoftext|> between documents. Only where the caller allows it, it becomes the one id END_OF_TEXT_ID.""",
    symbols={"encode": "nextword.tokenizer.bpe:encode"},
    hints=(
        "First forget allow_special: go through split(text), and collect the ids of all pieces in one list.",
        "encode_piece wants bytes: piece.encode('utf-8'). It gives a tuple of ids, so extend the list by it.",
        "With allow_special, text.split(END_OF_TEXT) gives the documents; encode each of them without allow_special, "
        "and put END_OF_TEXT_ID between them.",
    ),
    reference=reference,
    probes=(
        encoding("Hello, I'm"),
        encoding("two  spaces"),
        encoding("one\n\ntwo"),
        encoding("print('s')"),
        encoding("café 🙂"),
        encoding(" Ends in a newline\n"),
        encoding("one<|endoftext|>two"),
        encoding("one<|endoftext|>two", allow_special=True),
        encoding("a <|endoftext|> b<|endoftext|>c", allow_special=True),
        encoding("no mark", allow_special=True),
    ),
)
