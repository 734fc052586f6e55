"""End a text before the first of its stop texts, wherever its pieces break."""

from collections.abc import Iterator, Sequence


class Stopping:
    """Passes a text on up to the first of its stop texts, holding back what may begin one."""

    def __init__(self, stop: Sequence[str]):
        self.is_over = False
        self.held = ""
        self._stop = stop

    def add(self, piece: str, may_stop: bool = True) -> str:
        """Add a piece of the text -> what can be given out. After the last, `is_over`.

        may_stop: whether a stop text that ends in this piece ends the text.
        """
        self.held += piece
        found = [self.held.index(text) for text in self._stop if text in self.held] if may_stop else []
        if found:
            self.is_over = True
            safe = min(found)
            given, self.held = self.held[:safe], ""
        else:
            safe = len(self.held) - max((overlap(self.held, text) for text in self._stop), default=0)
            given, self.held = self.held[:safe], self.held[safe:]
        return given

    def end(self) -> str:
        """Give what is held back; the text ends by itself."""
        given, self.held, self.is_over = self.held, "", True
        return given


def until_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Pass the pieces on up to the first of the stop texts."""
    stopping = Stopping(stop)
    for piece in pieces:
        if given := stopping.add(piece):
            yield given
        if stopping.is_over:
            return
    if rest := stopping.end():
        yield rest


def overlap(text: str, stop: str) -> int:
    """Count the characters at the text's end that may begin the stop text."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
