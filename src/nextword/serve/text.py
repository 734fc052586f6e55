"""A text in the making, piece by piece: what may be the beginning of a stop text is held back until that is known."""

from collections.abc import Sequence
from typing import NamedTuple

from nextword.decode.writing import overlap
from nextword.serve.choice import Likelihood
from nextword.tokenizer import StreamDecoder


class Token(NamedTuple):
    """A token of the text: where in the text it begins, in characters, and how likely it was if that was asked for."""

    id: int
    offset: int
    likelihood: Likelihood | None


class Piece(NamedTuple):
    """Some more of a text, with the tokens that begin in it; why it ends there, if it does: "stop" or "length"."""

    text: str
    tokens: list[Token]
    finish_reason: str | None


class GrowingText:
    """Turns ids into pieces of text, and ends before the first of the stop texts, wherever tokens break.

    offset: how many characters stand before it. Only whole characters are
    given out, but for the last one of a text that ends within a character.
    """

    def __init__(self, stop: Sequence[str], offset: int = 0):
        self._decoder = StreamDecoder()
        self._stop = stop
        self._held = ""
        self._given = offset  # characters up to the held ones
        self._tokens: list[Token] = []  # not given out yet

    def add(self, id: int, likelihood: Likelihood | None, is_last: bool) -> Piece:
        """The piece that this token completes, perhaps an empty one."""
        self._tokens.append(Token(id, self._given + len(self._held), likelihood))
        self._held += self._decoder.feed(id)
        if is_last:
            self._held += self._decoder.finish()
        found = [self._held.index(text) for text in self._stop if text in self._held]
        if found:
            return self._give(min(found), "stop")
        if is_last:
            return self._give(len(self._held), "length")
        return self._give(len(self._held) - max((overlap(self._held, text) for text in self._stop), default=0), None)

    def end(self, id: int, likelihood: Likelihood | None) -> Piece:
        """The last piece, where the model itself ends the text: with a token that stands for no characters."""
        self._tokens.append(Token(id, self._given + len(self._held), likelihood))
        self._held += self._decoder.finish()
        found = [self._held.index(text) for text in self._stop if text in self._held]
        return self._give(min(found, default=len(self._held)), "stop")

    def _give(self, count: int, finish_reason: str | None) -> Piece:
        text, self._held = self._held[:count], self._held[count:]
        self._given += count
        is_over = finish_reason is not None
        ready = [token for token in self._tokens if token.offset < self._given or (is_over and not self._held)]
        self._tokens = self._tokens[len(ready) :]
        return Piece(text, ready, finish_reason)
