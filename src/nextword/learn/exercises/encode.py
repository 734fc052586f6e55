"""Encoding: from a text to the numbers that a network can compute with."""

from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.tokenizer import bpe
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID

MISTAKES = (
    Mistake(
        name="not-cut",
        equals="an encoding of the whole text as one piece",
        remedy="Cut the text first, and encode piece by piece: for piece in split(text).",
        why="Most texts come out the same, which is why it goes unnoticed. But tokens may then reach across the "
        "pieces, as they never did when GPT-2 was trained: two newlines before a word become another token.",
    ),
    Mistake(
        name="character-by-character",
        equals="an encoding of each character by itself",
        remedy="Give encode_piece whole pieces: for piece in split(text), not for character in text.",
        why="Looping over a string gives its characters. The ids are all in the vocabulary and decode to the text, "
        "but they are four times as many as GPT-2 reads.",
    ),
    Mistake(
        name="cut-at-spaces",
        equals="an encoding of the words between spaces, without the spaces",
        remedy="Cut the text with the split that is given, not with text.split().",
        why="In GPT-2's vocabulary a space belongs to the word after it: ' world' and 'world' are two tokens. "
        "Without spaces the text does not come back, and most words are others.",
    ),
    Mistake(
        name="spaces-stripped",
        equals="an encoding of pieces whose spaces were stripped",
        remedy="Encode each piece as it is: piece.encode('utf-8'), without strip().",
        why="In GPT-2's vocabulary a space belongs to the word after it: ' world' and 'world' are two tokens.",
    ),
    Mistake(
        name="ends-stripped",
        equals="an encoding of the text without the white space at its ends",
        remedy="Leave the text as it is: no strip().",
        why="A prompt that ends in a space or a newline is another prompt than one that does not. "
        "The tokenizer keeps all that it is given; what to tidy up is for the caller to decide.",
    ),
    Mistake(
        name="space-added",
        equals="an encoding with a space put before the text",
        remedy="Encode the text as it is, without a space before it.",
        why="Some tokenizers do that, so that the first word looks like any other. GPT-2's does not.",
    ),
    Mistake(
        name="lower-case",
        equals="an encoding of the text in lower case",
        remedy="Leave capital letters as they are: no lower().",
        why="Some models, such as the first BERT, read lower case only. GPT-2 knows 'Hello' and 'hello' as two tokens.",
    ),
    Mistake(
        name="ascii-only",
        equals="an encoding that leaves out every character beyond ASCII",
        remedy="Turn the piece into bytes with piece.encode('utf-8').",
        why="Every character has its bytes in UTF-8, and every byte is in the vocabulary. Nothing has to be left out.",
    ),
    Mistake(
        name="latin-1",
        equals="an encoding of the text's bytes in Latin-1 instead of UTF-8",
        remedy="Turn the piece into bytes with piece.encode('utf-8').",
        why="An é is one byte in Latin-1 and two in UTF-8, and most of the world's characters have no byte in "
        "Latin-1 at all. English text hides it.",
    ),
    Mistake(
        name="a-list-of-lists",
        equals="one list a piece instead of one list of ids",
        remedy="Put the ids of all pieces into one list: ids.extend(...) or ids += ..., not ids.append(...).",
        why="A piece has one id or several. To the model there are no pieces, only a row of ids.",
    ),
    Mistake(
        name="special-always",
        equals="an encoding that takes <|endoftext|> for the mark although allow_special is False",
        remedy="Look for the mark only if allow_special is set. Otherwise the text is ordinary text.",
        why="Whoever may write a text could otherwise end the document in its middle.",
    ),
    Mistake(
        name="special-never",
        equals="an encoding that takes <|endoftext|> for ordinary text although allow_special is set",
        remedy="With allow_special, cut the text at <|endoftext|> and put END_OF_TEXT_ID between the parts.",
        why="The mark spelled out is seven tokens, which the model has seldom seen; the mark itself is one.",
    ),
    Mistake(
        name="mark-lost",
        equals="an encoding that cuts at <|endoftext|> and forgets to put its id between the parts",
        remedy="Put END_OF_TEXT_ID between the parts.",
        why="Without the mark one document goes on into the next, and the model learns to change the subject.",
    ),
    Mistake(
        name="mark-at-the-end",
        equals="an encoding that puts the mark after every document, the last one too",
        remedy="Put END_OF_TEXT_ID only where <|endoftext|> stands in the text, between two parts.",
        why="A prompt that ends with the mark is finished: the model begins something else.",
    ),
    Mistake(
        name="first-mark-only",
        equals="an encoding that sees the first <|endoftext|> only",
        remedy="Cut at every mark: text.split(END_OF_TEXT), not partition or split with a limit.",
        why="A training text holds thousands of documents and so thousands of marks.",
    ),
    Mistake(
        name="first-id-only",
        equals="an encoding that takes one id of each piece, its first",
        remedy="Take all ids of a piece: ids.extend(encode_piece(...)), without [0].",
        why="Common words are one token each, so English text hides it. Rarer words are several.",
    ),
    Mistake(
        name="mark-removed",
        equals="an encoding that throws <|endoftext|> away where allow_special is False",
        remedy="Leave the text alone: without allow_special the mark is text like any other.",
        why="What was in the text must come back from its ids. The mark is then seven ordinary tokens.",
    ),
)


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


EXERCISE = Exercise(
    name="encode",
    title="Text to ids",
    task="""\
A network computes with numbers, so a text becomes a list of ids: places in GPT-2's vocabulary of 50,257 tokens.

    "Hello, I'm"  ->  "Hello" "," " I" "'m"  ->  bytes  ->  15496 11 314 1101

Two steps are given. `split(text)` cuts the text into pieces, and no token reaches across two of them.
`encode_piece(piece)` gives the ids of one piece, of its bytes in UTF-8: one id where the piece is in the vocabulary,
as most words are, or else several. (How it does that is the exercise bpe_merges.) Put them together, and take care of
the mark <|endoftext|> between documents. Only where the caller allows it, it becomes the one id END_OF_TEXT_ID.""",
    symbols={"encode": "nextword.tokenizer.bpe:encode"},
    stub='''
from nextword.tokenizer.bpe import encode_piece, split
from nextword.tokenizer.vocab import END_OF_TEXT, END_OF_TEXT_ID


def encode(text: str, allow_special: bool = False) -> list[int]:
    """@encode"""
    ...
''',
    hints=(
        "First forget allow_special: go through split(text), and collect the ids of all pieces in one list.",
        "encode_piece wants bytes: piece.encode('utf-8'). It gives a tuple of ids, so extend the list by it.",
        "With allow_special, text.split(END_OF_TEXT) gives the documents; encode each of them without allow_special, "
        "and put END_OF_TEXT_ID between them.",
    ),
    mistakes=MISTAKES,
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
