"""Tokenizers of other kinds, by the libraries that made them: `tokenizers` and `sentencepiece`."""

import json
from collections.abc import Iterable
from importlib import import_module
from typing import Any, SupportsIndex

from nextword.errors import TokenizerError
from nextword.tokenizer.characters import whole_characters
from nextword.tokenizer.plain_tokenizer import PlainStreamDecoder
from nextword.tokenizer.stream import StreamDecoder
from nextword.tokenizer.tokenizer import Tokenizer
from nextword.tokenizer.vocab import Vocabulary, from_printable

JSON, MODEL = "tokenizer.json", "tokenizer.model"
"""The files that these libraries read, by the names under which we keep them."""


class LibraryTokenizer(Tokenizer):
    """Turn text into ids and back by a library.

    What it does to white space or to case is its own affair.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._ids = ()
        files = vocabulary.files or {}
        self._library = TokenizersLibrary(files[JSON]) if JSON in files else SentencePieceLibrary(files[MODEL])

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """Encode a text; its special tokens are single ids with `allow_special`, ordinary text without."""
        return self._library.encode(whole_characters(text), allow_special)

    def decode(self, ids: Iterable[SupportsIndex]) -> str:
        """Decode ids. Raises ValueError, naming the id, for one that is not there."""
        numbers = [*(ids.tolist() if hasattr(ids, "tolist") else ids)]
        for id in numbers:
            self.vocabulary.token_bytes(id)
        return self._library.decode([int(id) for id in numbers])

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """Decode ids to bytes: one alone to what the vocabulary says of it, several to their text."""
        numbers = [*(ids.tolist() if hasattr(ids, "tolist") else ids)]
        return self.vocabulary.token_bytes(numbers[0]) if len(numbers) == 1 else self.decode(numbers).encode()

    def stream(self) -> StreamDecoder:
        """Make a decoder for ids that come one at a time."""
        return LibraryStreamDecoder(self)


class LibraryStreamDecoder(PlainStreamDecoder):
    """Decode ids as they come: whatever they add to the text of those before them."""

    def __init__(self, tokenizer: LibraryTokenizer) -> None:
        super().__init__(tokenizer.vocabulary)
        self._tokenizer, self._told = tokenizer, ""

    def feed(self, id: SupportsIndex) -> str:
        """Decode one more id: the text it adds, or "" if it ends within a character."""
        self._vocabulary.token_bytes(id)
        self._held.append(int(id))
        text = self._tokenizer.decode(self._held)
        return "" if text.endswith("\ufffd") else self._tell(text)

    def finish(self) -> str:
        """Decode what is held, whole or not."""
        said = self._tell(self._tokenizer.decode(self._held)) if self._held else ""
        self._held, self._told = [], ""
        return said

    def _tell(self, text: str) -> str:
        said, self._told = text[len(self._told) :], text
        return said


class TokenizersLibrary:
    """Encode and decode by a tokenizer.json and Hugging Face's `tokenizers`."""

    def __init__(self, content: bytes) -> None:
        module = imported("tokenizers", "the file tokenizer.json describes")
        self.special = module.Tokenizer.from_str(content.decode("utf-8-sig"))
        self._ordinary = module.Tokenizer.from_str(content.decode("utf-8-sig"))
        self._ordinary.encode_special_tokens = True
        for one in (self.special, self._ordinary):
            one.no_padding()
            one.no_truncation()

    def encode(self, text: str, allow_special: bool) -> list[int]:
        """Encode a text."""
        one = self.special if allow_special else self._ordinary
        return list(one.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: list[int]) -> str:
        """Decode ids."""
        return str(self.special.decode(ids, skip_special_tokens=False))


class SentencePieceLibrary:
    """Encode and decode by a model of Google's `sentencepiece`."""

    def __init__(self, content: bytes) -> None:
        module = imported("sentencepiece", "its *.model file holds")
        self.processor = module.SentencePieceProcessor(model_proto=content)

    def encode(self, text: str, allow_special: bool) -> list[int]:
        """Encode a text, in which no control token is ever found."""
        return list(self.processor.encode(text))

    def decode(self, ids: list[int]) -> str:
        """Decode ids."""
        return str(self.processor.decode(ids))


def imported(name: str, what: str) -> Any:
    """Import a library. Raises TokenizerError, with the command that installs it, where it is not there."""
    try:
        return import_module(name)
    except ImportError as error:
        raise TokenizerError(
            f"This model's tokenizer is of another kind than GPT-2's ({what} it), which only the library {name} "
            f"reads: pip install {name}"
        ) from error


def tokenizers_vocabulary(content: bytes, end_of_text: str | None) -> Vocabulary:
    """Make the vocabulary of a tokenizer.json of any kind. end_of_text: that token's name, if it has one."""
    described = json.loads(content.decode("utf-8-sig"))
    library = TokenizersLibrary(content)
    named = {str(token): int(id) for token, id in library.special.get_vocab(with_added_tokens=True).items()}
    added = {token["content"]: token["id"] for token in described.get("added_tokens") or [] if token.get("special")}
    is_byte_level = '"ByteLevel"' in json.dumps(described.get("decoder"))
    tokens = [b""] * (max(named.values()) + 1)
    for token, id in named.items():
        tokens[id] = token.encode() if id in added.values() else spelled(token, is_byte_level)
    return Vocabulary(tuple(tokens), {}, added, "none", named.get(end_of_text or ""), {JSON: content})


def sentencepiece_vocabulary(content: bytes) -> Vocabulary:
    """Make the vocabulary of a model of sentencepiece's."""
    model = SentencePieceLibrary(content).processor
    n = model.get_piece_size()
    control = {model.id_to_piece(id): id for id in range(n) if model.is_control(id)}
    tokens = tuple(
        bytes([int(model.id_to_piece(id)[3:5], 16)]) if model.is_byte(id) else spelled(model.id_to_piece(id), False)
        for id in range(n)
    )
    return Vocabulary(tokens, {}, control, "none", model.eos_id() if model.eos_id() >= 0 else None, {MODEL: content})


def spelled(token: str, is_byte_level: bool) -> bytes:
    """Spell a token's bytes: those that byte-level BPE prints as other letters, or with spaces for ▁."""
    if is_byte_level:
        try:
            return from_printable(token)
        except UnicodeError:
            pass
    return token.replace("▁", " ").encode()
