"""Vocabularies: tokens and merges. GPT-2's 50,257 are derived from the one file that OpenAI's training left.

    ids     0 ..   255   the single bytes
    ids   256 .. 50255   one token a line of vocab.bpe: two earlier tokens, joined
    id  50256            <|endoftext|>, which no text spells

So nothing has to be stored but the merges, in their order. Every text has ids, because every byte has one.
`Vocabulary` is any tokenizer's; `GPT2` is this one, read when it is first asked for.
"""

import codecs
import hashlib
import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import SupportsIndex

from nextword.errors import NextwordError

N_VOCAB = 50257
END_OF_TEXT = "<|endoftext|>"
END_OF_TEXT_ID = 50256

_VOCAB_BPE = Path(__file__).with_name("vocab.bpe")
_VOCAB_BPE_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"

# vocab.bpe has tokens between spaces, so it writes each byte as a character that prints: 188 bytes as they are in
# Latin-1, the other 68 as characters from U+0100 on, such as "Ġ" for a space. This order gives ids 0 to 255.
PRINTING = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
BORROWING = [byte for byte in range(256) if byte not in PRINTING]
BYTE_TO_CHAR = {byte: chr(byte) for byte in PRINTING} | {byte: chr(256 + n) for n, byte in enumerate(BORROWING)}

# One byte is one character, so Python's codecs for 8-bit alphabets do the work, at the speed of C.
_CHARACTERS = "".join(BYTE_TO_CHAR[byte] for byte in range(256))
_BYTES = codecs.charmap_build(_CHARACTERS)


def to_printable(token: bytes) -> str:
    """Write a token as GPT-2's files do.

    >>> to_printable(b" the")
    'Ġthe'
    """
    return codecs.charmap_decode(token, "strict", _CHARACTERS)[0]


def from_printable(text: str) -> bytes:
    """Read a token as GPT-2's files write it.

    >>> from_printable("Ġthe")
    b' the'
    """
    return codecs.charmap_encode(text, "strict", _BYTES)[0]


@cache
def read_vocab_bpe() -> bytes:
    """Read OpenAI's vocab.bpe: a version line, then 50,000 merges, the most frequent first.

    Raises NextwordError if the installed file is missing or is not that file, byte for byte.
    """
    try:
        content = _VOCAB_BPE.read_bytes()
    except OSError as error:
        raise NextwordError(
            f"{_VOCAB_BPE}: GPT-2's merges cannot be read ({error.strerror}). Install nextword again."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != _VOCAB_BPE_SHA256:
        raise NextwordError(
            f"{_VOCAB_BPE} is damaged: expected SHA-256 {_VOCAB_BPE_SHA256}, found {found}. Install nextword again."
        )
    return content


def merge_lines() -> list[str]:
    """List the 50,000 lines of vocab.bpe: two printable tokens with a space between."""
    return read_vocab_bpe().decode("utf-8").splitlines()[1:]


def encoder_json() -> str:
    """The table token -> id, exactly as in OpenAI's encoder.json, which Hugging Face calls vocab.json."""
    return json.dumps({to_printable(token): id for id, token in enumerate(load_tokens())})


@cache
def load_tokens() -> tuple[bytes, ...]:
    """Load all tokens in the order of their ids: `load_tokens()[262] == b" the"`."""
    # With spaces written as spaces again most tokens are ASCII, which stands for itself: there is nothing to translate.
    space = to_printable(b" ")
    lines = read_vocab_bpe().replace(b" ", b"").replace(space.encode(), b" ").split(b"\n")[1:-1]
    merged = (line if line.isascii() else from_printable(line.decode().replace(" ", space)) for line in lines)
    return (*(bytes([byte]) for byte in BYTE_TO_CHAR), *merged, END_OF_TEXT.encode())


@cache
def load_ids() -> dict[bytes, int]:
    """Load the id of each token but <|endoftext|>: `load_ids()[b" the"] == 262`."""
    return dict(zip(load_tokens(), range(END_OF_TEXT_ID), strict=False))


@cache
def load_merges() -> dict[tuple[bytes, bytes], int]:
    """Load the rank of each merge, 0 the first: `load_merges()[b" t", b"he"] == 6`."""
    pairs = (line.split(" ") for line in merge_lines())
    return {(from_printable(left), from_printable(right)): rank for rank, (left, right) in enumerate(pairs)}


def token_bytes(id: SupportsIndex) -> bytes:
    """Decode one id of GPT-2's to bytes; not always a whole character. Raises as `check_id` does.

    >>> token_bytes(262)
    b' the'
    """
    return load_tokens()[check_id(id)]


def check_id(id: SupportsIndex, n_vocab: int = N_VOCAB, owner: str = "GPT-2's") -> int:
    """Raise ValueError, naming it and the range, for an id outside 0 to n_vocab - 1."""
    try:
        index = operator.index(id)
    except TypeError:
        raise ValueError(
            f"an id is one integer from 0 to {n_vocab - 1}, found {type(id).__name__}. Pass a flat list."
        ) from None
    if not 0 <= index < n_vocab:
        raise ValueError(
            f"id {index} is not in {owner} vocabulary, whose ids go from 0 to {n_vocab - 1}. "
            "Was it made by another tokenizer?"
        )
    return index


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Hold a tokenizer's tokens in the order of their ids, with the merges that lead to them."""

    tokens: tuple[bytes, ...]
    """What each id stands for; b"" where an id stands for nothing."""
    merges: Mapping[tuple[bytes, bytes], int]
    """The rank of each pair of neighbours that are joined, 0 the first."""
    special: Mapping[str, int] = field(default_factory=dict)
    """Ids of the tokens that no text spells unless it may, such as <|endoftext|>."""
    pattern: str = "gpt2"
    """How a text is cut into pieces: a name in `patterns.py`."""
    end_of_text: int | None = None
    """The id that separates documents and ends a text; None where there is none."""
    files: Mapping[str, bytes] | None = None
    """The files, by name, of a tokenizer of another kind, which only the library that made it can read."""

    @property
    def n_vocab(self) -> int:
        """Count the ids."""
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """Give the id of each token but the special ones."""
        special = set(self.special.values())
        return {token: id for id, token in enumerate(self.tokens) if token and id not in special}

    def __deepcopy__(self, memo: object) -> "Vocabulary":
        """Give itself: nothing in it changes."""
        return self

    def merge_list(self) -> list[tuple[bytes, bytes]]:
        """List the merges, that of rank 0 first."""
        return sorted(self.merges, key=self.merges.__getitem__)

    def token_bytes(self, id: SupportsIndex) -> bytes:
        """Decode one id to bytes; not always a whole character. Raises ValueError for an id that is not there."""
        return self.tokens[check_id(id, len(self.tokens), "this")]


class _GPT2(Vocabulary):
    """GPT-2's own vocabulary; each part is read when it is first asked for."""

    tokens = cached_property(lambda self: load_tokens())
    merges = cached_property(lambda self: load_merges())
    ids = cached_property(lambda self: load_ids())

    def __init__(self) -> None:
        for name, value in {
            "special": {END_OF_TEXT: END_OF_TEXT_ID},
            "pattern": "gpt2",
            "end_of_text": END_OF_TEXT_ID,
            "files": None,
        }.items():
            object.__setattr__(self, name, value)

    n_vocab = N_VOCAB

    def token_bytes(self, id: SupportsIndex) -> bytes:
        return token_bytes(id)

    def __reduce__(self) -> str:
        return "GPT2"  # a copy of it is itself


GPT2: Vocabulary = _GPT2()
"""GPT-2's vocabulary."""
