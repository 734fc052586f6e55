"""Any text as a task: its loss, window by window."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextword.errors import DataError, SettingError
from nextword.evaluate.scoring import Request, Score
from nextword.evaluate.task import Measure, Outcome, Task, bits_of, exponential_of, mean_of
from nextword.tokenizer import Tokenizer

FEW = 20
"""Fewer documents than these say little of other documents: then windows are drawn in their place."""

LOSS = Measure("loss a token", mean_of("nll", "tokens"), low_is_good=True)
PERPLEXITY = Measure("perplexity", exponential_of("nll", "tokens"), low_is_good=True)
BITS = Measure("bits a byte", bits_of("nll", "bytes"), low_is_good=True)
ANY_TEXT = (LOSS, PERPLEXITY, BITS)


@dataclass(frozen=True)
class Window:
    """A stretch of a document: of the ids from start to end, those from `scored` on are predicted."""

    document: int
    start: int
    scored: int
    end: int


def rolling_windows(length: int, n_ctx: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Cut so many ids into windows of which each predicts the next `stride` ids: triples (start, scored, end).

    The first id is only read. The first window predicts as many as fit, and every later one reads as much before
    its part as fits, also the last, which may predict less.
    """
    scored, wanted = 1, n_ctx
    while scored < length:
        end = min(scored + wanted, length)
        yield max(0, end - 1 - n_ctx), scored, end
        scored, wanted = end, stride


def strided_windows(length: int, n_ctx: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Cut so many ids as the documentation of transformers does: windows of n_ctx ids begin every `stride` ids.

    Of each, the ids that no window had before are predicted: triples (start, scored, end). The last window is as long
    as the text is.
    """
    scored, start = 1, 0
    while scored < length:
        end = min(start + n_ctx, length)
        yield start, scored, end
        scored, start = end, start + stride


class TextTask(Task):
    """The loss over documents, each of which is read after <|endoftext|>.

    stride: how many tokens each window predicts; the smaller, the more each token sees before it, and the longer it
    takes. units: of each document, how many words or the like its loss is divided by. begins: whether <|endoftext|>
    stands before each document; else its first token is not predicted. Raises DataError where there is no token to
    predict.
    """

    name, unit = "text", "windows"

    def __init__(
        self,
        documents: Sequence[str],
        tokenizer: Tokenizer,
        n_ctx: int,
        stride: int | None = None,
        *,
        sha256: str | None = None,
        units: Sequence[int] | None = None,
        begins: bool = True,
    ):
        self.n_ctx, self.stride = n_ctx, stride or n_ctx
        if not 0 < self.stride <= n_ctx:
            raise SettingError("stride", f"must be from 1 to the model's n_ctx = {n_ctx}, not {self.stride}.")
        self.protocol = "rolling" if self.stride == n_ctx else f"stride {self.stride}"
        self.about = f"Each document is read after <|endoftext|>, in windows of {n_ctx} tokens that predict " + (
            "all of theirs." if self.stride == n_ctx else f"{self.stride} more each."
        )
        begin = tokenizer.eot_id if begins else None
        self._tokenizer = tokenizer
        self._ids: list[NDArray[np.uint32]] = []
        for text in documents:
            ids = tokenizer.encode_array(text)
            self._ids.append(ids if begin is None else np.concatenate((np.array([begin], np.uint32), ids)))
        self._windows = [
            Window(number, *window) for number, ids in enumerate(self._ids) for window in self.cut(len(ids))
        ]
        if not self._windows:
            raise DataError("There is no token to predict in this text.")
        self._units = units
        self._lengths = [len(ids) - 1 for ids in self._ids]
        self._sha256 = sha256 or hashlib.sha256("\0".join(documents).encode()).hexdigest()

    def cut(self, length: int) -> Iterator[tuple[int, int, int]]:
        """Cut a document of so many ids into windows: see `rolling_windows`."""
        return rolling_windows(length, self.n_ctx, self.stride)

    @property
    def n_items(self) -> int:
        """Count the windows."""
        return len(self._windows)

    @property
    def n_documents(self) -> int:
        """Count the documents."""
        return len(self._ids)

    @property
    def sha256(self) -> str:
        """Identify the text."""
        return self._sha256

    @property
    def measures(self) -> tuple[Measure, ...]:
        """List loss, perplexity and bits a byte."""
        return ANY_TEXT

    def request(self, item: int) -> Request:
        """Put a window to a model."""
        window = self._windows[item]
        ids = self._ids[window.document]
        return Request(ids[window.start : window.scored].tolist(), (ids[window.scored : window.end].tolist(),))

    def outcome(self, item: int, scores: tuple[Score, ...]) -> Outcome:
        """Sum up a window's losses, tokens and bytes, and its losses by the tokens before."""
        window, losses = self._windows[item], -scores[0].logprobs
        scored = self._ids[window.document][window.scored : window.end]
        found: Outcome = {
            "count": 1.0,
            "nll": float(losses.sum()),
            "tokens": float(len(losses)),
            "bytes": float(len(self._tokenizer.decode_bytes(scored.tolist()))),
        }
        if self._units is not None:  # a window has its share of them
            found["units"] = self._units[window.document] * len(losses) / self._lengths[window.document]
        if self.n_documents >= FEW:
            found["group"] = float(window.document)
        seen = np.arange(window.scored, window.end) - window.start
        for place in np.unique(bins := np.ceil(np.log2(seen)).astype(int)):
            found[f"seen{place}"] = float((bins == place).sum())
            found[f"nll{place}"] = float(losses[bins == place].sum())
        for place in range(int(np.ceil(np.log2(self.n_ctx))) + 1):
            found.setdefault(f"seen{place}", 0.0)
            found.setdefault(f"nll{place}", 0.0)
        return found


def loss_by_position(outcomes: Sequence[Outcome]) -> list[tuple[int, float]]:
    """Compute the loss by the number of tokens before. -> pairs of at most so many (1, 2, 4, ...) and the loss."""
    found = []
    places = sorted(int(name[4:]) for name in outcomes[0] if name.startswith("seen"))
    for place in places:
        count = sum(row[f"seen{place}"] for row in outcomes)
        if count:
            found.append((2**place, sum(row[f"nll{place}"] for row in outcomes) / count))
    return found
