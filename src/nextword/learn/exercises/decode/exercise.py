"""Decoding: from ids back to the text."""

from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Mistakes, Probe
from nextword.learn.checker.folder import exercise_in
from nextword.tokenizer.vocab import END_OF_TEXT_ID, N_VOCAB, load_tokens, to_printable


def reference(on: Mistakes) -> Any:
    """GPT-2's decoding, with these mistakes."""

    def token(id: int) -> bytes:
        if "ids-as-characters" in on:
            return chr(id).encode("utf-8")
        if not 0 <= id < N_VOCAB:
            if "unknown-ids-skipped" in on:
                return b""
            if "negative-ids" not in on or not -N_VOCAB <= id < 0:
                raise ValueError(f"no token has the id {id}")
        spelling = load_tokens()[id]
        return to_printable(spelling).encode("utf-8") if "printable-form" in on else spelling

    def text(spelling: bytes) -> str:
        errors = "ignore" if "errors-ignored" in on else "strict" if "errors-strict" in on else "replace"
        return spelling.decode("latin-1" if "latin-1" in on else "utf-8", errors)

    def decode(ids: Any) -> Any:
        ids = list(ids)
        if "stops-at-the-mark" in on and END_OF_TEXT_ID in ids:
            ids = ids[: ids.index(END_OF_TEXT_ID)]
        if "mark-left-out" in on:
            ids = [id for id in ids if id != END_OF_TEXT_ID]
        spellings = [token(id) for id in ids]
        space = " " if "joined-with-spaces" in on else ""
        if "bytes-returned" in on:
            return space.encode().join(spellings)
        if "a-list-of-texts" in on:
            return [text(spelling) for spelling in spellings]
        if "token-by-token" in on:
            whole = space.join(text(spelling) for spelling in spellings)
        else:
            whole = text(space.encode().join(spellings))
        return whole.strip() if "stripped" in on else whole

    return SimpleNamespace(decode=decode)


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
    reference=reference,
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
