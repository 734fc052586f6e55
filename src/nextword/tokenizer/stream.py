"""Decoding of ids as they come."""

import codecs
from typing import SupportsIndex

from nextword.tokenizer.vocab import GPT2, Vocabulary


class StreamDecoder:
    """Decode ids as they come, and hold back unfinished characters.

    A token can end in the middle of a character: "🙂" is two tokens, of two bytes each. All that `feed` and
    the final `finish` return, joined, is what `Tokenizer.decode` makes of all the ids.

    >>> stream = StreamDecoder()
    >>> stream.feed(8582), stream.feed(25081), stream.finish()
    ('', '🙂', '')
    """

    def __init__(self, vocabulary: Vocabulary = GPT2) -> None:
        self._vocabulary = vocabulary
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, id: SupportsIndex) -> str:
        """Decode one more id: the characters that it completes, perhaps none.

        Raises ValueError for an id outside the vocabulary.
        """
        return self._utf8.decode(self._vocabulary.token_bytes(id))

    def finish(self) -> str:
        """End the text: U+FFFD if the last character is unfinished, else "". A new text may begin."""
        return self._utf8.decode(b"", final=True)
