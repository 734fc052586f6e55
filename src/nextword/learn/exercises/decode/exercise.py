"""Decoding: from ids back to the text."""

from nextword.learn.checker.exercise import Probe
from nextword.learn.checker.folder import exercise_in


def decoding(*ids: int) -> Probe:
    """What an answer makes of ids."""
    return Probe(f"the ids {list(ids)}", lambda solution: solution.decode(list(ids)))


EXERCISE = exercise_in(
    __file__,
    title="Ids to text",
    task="""\
What the model writes are ids. To read it, go back: every id stands for some bytes, which `token_bytes(id)` gives
you; the bytes of all ids in a row are the text in UTF-8.

    15496 11 314 1101  ->  b"Hello" b"," b" I" b"'m"  ->  "Hello, I'm"

A token need not be whole characters: 🙂 is four bytes and two tokens. And a model may write half of a character and
then something else. Such bytes become the character U+FFFD, a question mark in a diamond.""",
    symbols={"decode": "nextword.tokenizer.bpe:decode"},
    hints=(
        "token_bytes(262) is b' the': bytes, with the space that belongs to the word.",
        "Join all bytes before decoding any: b''.join(...).",
        "bytes have a method decode(encoding, errors); with errors='replace' it never fails.",
    ),
    reference="growing_bytes",
    probes=(
        decoding(15496, 11, 314, 1101),
        decoding(262, 3290),
        decoding(66, 1878, 2634),
        decoding(8582, 25081),
        decoding(8582),
        decoding(505, 50256, 11545),
        decoding(505, 50257),
        decoding(505, -1),
    ),
)
