"""Characters and bytes as tokens, for the smallest models, without a single merge."""

from collections.abc import Iterable

from nextword.errors import TokenizerError
from nextword.tokenizer.tokenizer import Tokenizer
from nextword.tokenizer.vocab import END_OF_TEXT, Vocabulary

CHARS = "chars"
"""The name of the splitting pattern by which each character is a piece, and each piece a token."""

EACH_CHARACTER = r"[\s\S]"
"""That pattern, in a tokenizer.json."""


def byte_vocabulary() -> Vocabulary:
    """Make the vocabulary of the 256 bytes, whose ids are their values, and <|endoftext|>."""
    tokens = (*(bytes([byte]) for byte in range(256)), END_OF_TEXT.encode())
    return Vocabulary(tokens, {}, {END_OF_TEXT: 256}, "gpt2", 256)


def character_vocabulary(documents: Iterable[str]) -> Vocabulary:
    """Make the vocabulary of the characters that stand in these documents, in Unicode's order.

    <|endoftext|> comes last, if there are several documents.
    """
    characters: set[str] = set()
    n_documents = 0
    for document in documents:
        characters.update(whole_characters(document))
        n_documents += 1
    tokens = tuple(character.encode() for character in sorted(characters))
    if n_documents < 2:
        return Vocabulary(tokens, {}, {}, CHARS)
    return Vocabulary((*tokens, END_OF_TEXT.encode()), {}, {END_OF_TEXT: len(tokens)}, CHARS, len(tokens))


def whole_characters(text: str) -> str:
    """Join pairs of surrogates to their character, and put U+FFFD in the place of others."""
    return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")


class CharacterTokenizer(Tokenizer):
    """Turn each character into an id of its own."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._places = {token.decode(): id for token, id in vocabulary.ids.items()}
        self._ids = ()  # its ids are no ranks of tiktoken's

    def _encode_ordinary(self, text: str) -> list[int]:
        """Look each character up. Raises TokenizerError for one that the vocabulary lacks."""
        places = self._places
        try:
            return [places[character] for character in whole_characters(text)]
        except KeyError as error:
            character = error.args[0]
            raise TokenizerError(
                f"The character {character!r} (U+{ord(character):04X}) is none of the {len(places)} that this model's "
                "tokenizer knows, those of its training text. Leave it out, or train with --tokenizer bytes."
            ) from None
