"""Turn ids into text piece by piece, holding back what may begin a stop text."""

from collections.abc import Sequence
from typing import NamedTuple

from nextword.decode.stopping import Stopping
from nextword.serve.logprobs import Logprobs
from nextword.tokenizer import StreamDecoder

UNFINISHED = 3  # tokens that an unfinished character can have at most: UTF-8's longest has four bytes


class Token(NamedTuple):
    """A token, its offset in characters, and its log-probabilities if they were asked for."""

    id: int
    offset: int
    logprobs: Logprobs | None


class Piece(NamedTuple):
    """A piece of a text, its tokens, and "stop" or "length" where the text ends."""

    text: str
    tokens: list[Token]
    finish_reason: str | None


class Detokenizer:
    """Decodes one text's ids, and ends it before the first of its stop texts.

    offset: how many characters stand before the text. Only whole characters are
    given out, but for the last one of a text that ends within a character.
    after: the ids before it, or the last few of them, which may leave a
    character unfinished; it belongs to this text. decoder: the tokenizer's, GPT-2's unless given.
    """

    def __init__(
        self, stop: Sequence[str], offset: int = 0, after: Sequence[int] = (), decoder: StreamDecoder | None = None
    ):
        self._decoder = decoder or StreamDecoder()
        for id in after[-UNFINISHED:]:
            self._decoder.feed(id)
        self._stopping = Stopping(stop)
        self._given = offset  # characters up to those that are held back
        self._tokens: list[Token] = []  # not given out yet

    def add(
        self, id: int, logprobs: Logprobs | None, is_last: bool, may_stop: bool = True, is_silent: bool = False
    ) -> Piece:
        """Decode a token -> the piece that it completes, perhaps an empty one.

        may_stop: whether a stop text that ends here ends the text. is_silent:
        whether the token stands for no characters.
        """
        self._begin(id, logprobs)
        more = self._decoder.finish() if is_silent else self._decoder.feed(id)
        if is_last:
            more += self._decoder.finish()
        return self._give(more, "length" if is_last else None, may_stop)

    def end(self, id: int, logprobs: Logprobs | None) -> Piece:
        """Give the last piece, where the model ends the text with a token without characters."""
        self._begin(id, logprobs)
        return self._give(self._decoder.finish(), "stop")

    def _begin(self, id: int, logprobs: Logprobs | None) -> None:
        self._tokens.append(Token(id, self._given + len(self._stopping.held), logprobs))

    def _give(self, more: str, finish_reason: str | None, may_stop: bool = True) -> Piece:
        text = self._stopping.add(more, may_stop)
        is_cut = self._stopping.is_over
        if finish_reason and not is_cut:
            text += self._stopping.end()
        self._given += len(text)
        is_whole = finish_reason is not None and not is_cut
        ready = [token for token in self._tokens if token.offset < self._given or is_whole]
        self._tokens = self._tokens[len(ready) :]
        return Piece(text, ready, "stop" if is_cut else finish_reason)
