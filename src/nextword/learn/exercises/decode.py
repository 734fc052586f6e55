"""Decoding: from ids back to the text."""

from types import SimpleNamespace
from typing import Any

from nextword.learn.checker.exercise import Exercise, Mistake, Mistakes, Probe
from nextword.tokenizer.vocab import END_OF_TEXT_ID, N_VOCAB, load_tokens, to_printable

MISTAKES = (
    Mistake(
        name="joined-with-spaces",
        equals="a decoding with spaces between the tokens",
        remedy="Join the tokens with nothing between them: b''.join(...).",
        why="In GPT-2's vocabulary a word brings its space along, and halves of a word belong together.",
    ),
    Mistake(
        name="token-by-token",
        equals="a decoding of each token by itself",
        remedy="Join the bytes of all tokens first, and decode the whole: b''.join(...).decode(...).",
        why="A character of several bytes may be spread over several tokens, as 🙂 is over two. Each part alone is "
        "no text. English text hides it.",
    ),
    Mistake(
        name="errors-ignored",
        equals="a decoding that leaves out what is not UTF-8",
        remedy="Decode with errors='replace'.",
        why="Half a character should be seen, as U+FFFD. Left out, one would think that nothing had been written.",
    ),
    Mistake(
        name="errors-strict",
        equals="a decoding that fails where the bytes are not UTF-8",
        remedy="Decode with errors='replace'.",
        why="A model may write any token after any other, so half a character is an everyday case. "
        "Writing must not stop for it.",
    ),
    Mistake(
        name="latin-1",
        equals="a decoding of the bytes as Latin-1 instead of UTF-8",
        remedy="Decode the bytes as 'utf-8'.",
        why="Latin-1 makes a character of each byte, so it never fails: é comes out as Ã©.",
    ),
    Mistake(
        name="printable-form",
        equals="a text of tokens as they are written in GPT-2's files, with Ġ for a space",
        remedy="Take token_bytes(id), and join and decode these.",
        why="vocab.json writes each byte as a character that prints, and a space as Ġ. That is not the text yet.",
    ),
    Mistake(
        name="stripped",
        equals="a decoding without the white space at the text's ends",
        remedy="Leave the text as it is: no strip().",
        why="While a text is written token by token, nearly every token begins with a space, and all would be lost.",
    ),
    Mistake(
        name="mark-left-out",
        equals="a decoding that leaves <|endoftext|> out",
        remedy="Treat id 50256 like any other: token_bytes gives its spelling.",
        why="Who decodes wants to see what is there. Whether a reader is shown the mark is for the caller to decide.",
    ),
    Mistake(
        name="stops-at-the-mark",
        equals="a decoding that stops at <|endoftext|>",
        remedy="Decode all ids. Id 50256 is spelled <|endoftext|>, and what follows it is text too.",
        why="Where to stop writing is decided where tokens are chosen. A training text has many documents.",
    ),
    Mistake(
        name="negative-ids",
        equals="a decoding that counts negative ids from the vocabulary's end",
        remedy="Raise ValueError for an id below 0, as token_bytes does.",
        why="Python's lists take -1 for the last place. An id of -1 is a mistake made elsewhere "
        "(-100 and -1 mark targets to be ignored), and should not read as text.",
    ),
    Mistake(
        name="unknown-ids-skipped",
        equals="a decoding that skips ids outside the vocabulary",
        remedy="Raise ValueError for an id outside 0 to 50256, as token_bytes does.",
        why="Such an id comes from another tokenizer or a vocabulary padded to 50,304. Skipped, it is never found.",
    ),
    Mistake(
        name="a-list-of-texts",
        equals="a list with a text for each token instead of one text",
        remedy="Join the tokens into one text.",
        why="Tokens are the tokenizer's own affair. What comes back should be what was encoded.",
    ),
    Mistake(
        name="bytes-returned",
        equals="the text's bytes instead of the text",
        remedy="Decode the joined bytes: .decode('utf-8', errors='replace').",
        why="b'...' looks like a text when printed, until it holds a letter beyond ASCII.",
    ),
    Mistake(
        name="ids-as-characters",
        equals="a text of the characters whose numbers in Unicode are the ids",
        remedy="Look up what an id stands for with token_bytes(id), not with chr(id).",
        why="An id is a place in GPT-2's vocabulary. Only for models of single characters would chr do.",
    ),
)


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


EXERCISE = Exercise(
    name="decode",
    title="Ids to text",
    task="""\
What the model writes are ids. To read it, go back: every id stands for some bytes, which `token_bytes(id)` gives
you; the bytes of all ids in a row are the text in UTF-8.

    15496 11 314 1101  ->  b"Hello" b"," b" I" b"'m"  ->  "Hello, I'm"

A token need not be whole characters: 🙂 is four bytes and two tokens. And a model may write half of a character and
then something else. Such bytes become the character U+FFFD, a question mark in a diamond.""",
    symbols={"decode": "nextword.tokenizer.bpe:decode"},
    stub='''
from collections.abc import Iterable

from nextword.tokenizer.vocab import token_bytes


def decode(ids: Iterable[int]) -> str:
    """@decode"""
    ...
''',
    hints=(
        "token_bytes(262) is b' the': bytes, with the space that belongs to the word.",
        "Join all bytes before decoding any: b''.join(...).",
        "bytes have a method decode(encoding, errors); with errors='replace' it never fails.",
    ),
    mistakes=MISTAKES,
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
