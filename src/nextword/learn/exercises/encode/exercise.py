"""Encoding: from a text to the numbers that a network can compute with."""

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


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
    reference="loops",
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
