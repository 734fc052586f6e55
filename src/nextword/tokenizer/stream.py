"""Text out of ids, one at a time, for a model that is still writing."""

import codecs
from typing import SupportsIndex

from nextword.tokenizer.vocab import token_bytes


class StreamDecoder:
    """Turns ids into text as they come, and holds a character back until its last byte is there.

    A token can end in the middle of a character: "🙂" is two tokens, of two bytes each. All that `feed` and
    the final `finish` return, joined, is what `Tokenizer.decode` makes of all the ids.

    >>> stream = StreamDecoder()
    >>> stream.feed(8582), stream.feed(25081), stream.finish()
    ('', '🙂', '')
    """

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, id: SupportsIndex) -> str:
        """The characters that this id completes, perhaps none.

        Raises ValueError for an id outside 0 to 50256.
        """
        return self._utf8.decode(token_bytes(id))

    def finish(self) -> str:
        """The end of the text: U+FFFD if the last character is unfinished, else "". A new text may begin."""
        return self._utf8.decode(b"", final=True)
