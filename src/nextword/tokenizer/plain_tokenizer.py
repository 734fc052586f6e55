"""The tokenizer to read along with: `bpe.py` in the place of tiktoken."""

from collections.abc import Iterable
from operator import index
from typing import SupportsIndex

from nextword.tokenizer import bpe
from nextword.tokenizer.stream import StreamDecoder
from nextword.tokenizer.tokenizer import Tokenizer
from nextword.tokenizer.vocab import GPT2, Vocabulary


class PlainTokenizer(Tokenizer):
    """Turn text into ids and back by `bpe.encode` and `bpe.decode`."""

    def __init__(self, vocabulary: Vocabulary = GPT2) -> None:
        """Need nothing of tiktoken."""
        self.vocabulary = vocabulary
        self._ids = ()  # its ids are no ranks of tiktoken's

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """Encode a text; see `bpe.encode`."""
        return bpe.encode(text, allow_special, self.vocabulary)

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Decode ids; see `bpe.decode`."""
        return bpe.decode(map(index, ids), self.vocabulary)

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """Join the ids' bytes, which may begin or end within a character."""
        return b"".join(self.vocabulary.token_bytes(id) for id in ids)

    def stream(self) -> "PlainStreamDecoder":
        """Make a decoder for ids that come one at a time."""
        return PlainStreamDecoder(self.vocabulary)


class PlainStreamDecoder(StreamDecoder):
    """Decode ids as they come, and hold back those that do not end with a whole character."""

    def __init__(self, vocabulary: Vocabulary = GPT2) -> None:
        self._vocabulary = vocabulary
        self._held: list[int] = []

    def feed(self, id: SupportsIndex) -> str:
        """Decode one more id: the text, or "" if it ends within a character."""
        self._held.append(index(id))
        text = bpe.decode(self._held, self._vocabulary)
        return "" if text.endswith("\ufffd") else self.finish()

    def finish(self) -> str:
        """Decode what is held, whole or not."""
        text, self._held = bpe.decode(self._held, self._vocabulary), []
        return text
