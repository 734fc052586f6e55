"""From a corpus to batches: ids, a split, sliding windows, and an order that can be resumed anywhere.

Nothing here keeps a position. Which windows a batch holds is a function of (seed, index) alone, so a run
that stops needs to remember one number, and a second process needs to be told nothing.
"""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from nextword.data.corpus import Corpus
from nextword.data.permutation import epoch_key, permuted
from nextword.errors import DataError

if TYPE_CHECKING:
    from nextword.tokenizer import Tokenizer

MOST_DRAWN = 1 << 24
"""Windows up to which their order is drawn whole: 64 MiB of it are kept."""


class Ids(Protocol):
    """A row of ids: a tensor, or a sequence whose slices are tensors."""

    def __len__(self) -> int: ...

    def __getitem__(self, stretch: slice, /) -> Tensor:
        """Give a stretch of ids, (n,) of an integer type."""
        ...


def encode_corpus(corpus: Corpus, tokenizer: "Tokenizer") -> Tensor:
    """Encode the corpus as one row of ids, with <|endoftext|> between documents.

    -> (N,) int32, half of what int64 would take. No <|endoftext|> stands before the first document or after
    the last, and one that is spelled out inside a document stays ordinary text: only the boundary is special.
    Documents stand side by side where the vocabulary has no <|endoftext|>.
    """
    boundary = torch.tensor([] if tokenizer.eot_id is None else [tokenizer.eot_id], dtype=torch.int32)
    parts: list[Tensor] = []
    for document in corpus.documents:
        parts += [boundary, torch.from_numpy(tokenizer.encode_array(document).astype(np.int32))]
    return torch.cat(parts[1:])


def split(ids: Tensor, val_fraction: float = 0.1) -> tuple[Tensor, Tensor]:
    """Set the end of the text aside for validation, before any window is cut.

    ids (N,) -> the first part (N - M,) and the last part (M,), as views. They share no token, so no window
    that is trained on can reach into what is validated on. M = round(val_fraction * N), and at least 2 (one
    token to read, one to predict) unless val_fraction is 0.

    Raises ValueError unless 0 <= val_fraction < 1.
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction must be at least 0 and below 1, got {val_fraction}")
    n_val = max(2, round(val_fraction * len(ids))) if val_fraction else 0
    n_train = max(0, len(ids) - n_val)
    return ids[:n_train], ids[n_train:]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a text, as pairs (x, y): inputs, and targets one token ahead.

    ids (N,) may be of any integer type, and lie in files (`shards.TokenFiles`). Windows start at 0, stride,
    2 * stride, ...; where the last of these ends before the text does, one more is aligned to the end, so that the last
    token is always a target. With stride <= window every token but the first is one; a larger stride leaves gaps.
    There are ceil((N - 1 - window) / stride) + 1 windows.

    `windows[i]` -> x, y: (window,) int64 each, with memory of their own. i may be negative, and one that is
    out of range raises IndexError, as in any sequence.

    Raises DataError where the text is too short for one window (`name` is what the message calls it), and
    ValueError where window or stride < 1.
    """

    ids: Ids
    window: int
    stride: int
    name: str = "text"

    def __post_init__(self) -> None:
        for setting, value in (("window", self.window), ("stride", self.stride)):
            if value < 1:
                raise ValueError(f"{setting} must be at least 1 token, got {value}")
        if len(self.ids) < self.window + 1:
            raise DataError(_too_short(self.name, len(self.ids), self.window))

    def __len__(self) -> int:
        return -(-self._last_start // self.stride) + 1

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= i < len(self):
            raise IndexError(f"window {i} of {len(self)}")
        start = min(i % len(self) * self.stride, self._last_start)
        stretch = self.ids[start : start + self.window + 1]
        return stretch[:-1].to(torch.int64, copy=True), stretch[1:].to(torch.int64, copy=True)

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has."""
        return len(self.ids)

    def pick(self, position: int, seed: int) -> tuple[Tensor, Tensor]:
        """Pick the window at a position of the endless stream of epochs: x, y."""
        epoch, place = divmod(position, len(self))
        return self[window_at(len(self), seed, epoch, place)]

    @property
    def _last_start(self) -> int:
        return len(self.ids) - 1 - self.window


def order(n: int, seed: int, epoch: int) -> Tensor:
    """Draw the order of n windows in an epoch: a permutation, (n,) int64.

    A pure function: it neither reads nor moves PyTorch's global random state. seed and epoch are hashed
    together, so that the epochs of neighbouring seeds are unrelated, where seed + epoch would repeat them.
    """
    digest = hashlib.sha256(f"seed {seed} epoch {epoch}".encode()).digest()
    generator = torch.Generator("cpu").manual_seed(int.from_bytes(digest[:4], "big"))  # mt19937 takes 32 bits
    return torch.randperm(n, generator=generator, device="cpu")


@functools.lru_cache(maxsize=8)
def drawn_order(n: int, seed: int, epoch: int) -> Tensor:
    """Keep the order of an epoch: it is asked for again and again, of several sources."""
    return order(n, seed, epoch).to(torch.int32)


def window_at(n: int, seed: int, epoch: int, place: int) -> int:
    """Find the window at a place of an epoch of n windows, by `order`.

    Beyond MOST_DRAWN windows, the order is another one, which takes no memory.
    """
    if n > MOST_DRAWN:
        return permuted(place, n, epoch_key(seed, epoch))
    return int(drawn_order(n, seed, epoch)[place])


class WindowStream(Protocol):
    """An endless stream of windows, in which each has its position: `Windows`, or a `Mixture` of them."""

    def pick(self, position: int, seed: int) -> tuple[Tensor, Tensor]:
        """Pick the window at a position: x, y, (window,) int64 each."""
        ...


def batch(windows: WindowStream, batch_size: int, seed: int, index: int) -> tuple[Tensor, Tensor]:
    """Micro batch number `index` of an endless stream of epochs, each in an order of its own.

    -> x, y: (batch_size, window) int64 each. A pure function of its arguments: to resume at any point, ask
    for the next index. The stream is one long line of positions, of which batch `index` takes
    index * batch_size, ..., + batch_size - 1; position p is place p % n of epoch p // n, n = len(windows). A
    batch may therefore hold the end of one epoch and the start of the next, and each epoch shows every
    window exactly once.

    With gradient accumulation, index = step * accumulate + micro_step. With several processes, rank r takes
    index * world_size + r: no two see the same position, and together they see the stream that one process
    would see with batches world_size times as large.

    Raises ValueError where batch_size < 1 or index < 0.
    """
    if batch_size < 1 or index < 0:
        raise ValueError(f"batch_size must be at least 1 and index at least 0, got {batch_size} and {index}")
    return batch_of(windows, range(index * batch_size, (index + 1) * batch_size), seed)


def batch_of(windows: WindowStream, positions: range, seed: int) -> tuple[Tensor, Tensor]:
    """Read the windows at these positions of the stream: x, y, (len(positions), window) int64 each."""
    pairs = [windows.pick(position, seed) for position in positions]
    return torch.stack([x for x, _ in pairs]), torch.stack([y for _, y in pairs])


def evaluation_batches(ids: Tensor, window: int, batch_size: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Cut the whole text to measure a loss: every token but the first is a target exactly once.

    ids (N,) -> pairs x, y, int64, in order: (B, window) each with B <= batch_size, cut side by side without
    overlap; what is left over comes last, as one shorter row (1, T). The pairs differ in size, so a mean over
    all of them must weight each by its number of targets, y.numel(). A token early in its row is
    predicted from little context, which makes this loss slightly higher than one from overlapping windows.

    Raises ValueError where window or batch_size < 1, DataError where there is no token to predict.
    """
    if window < 1 or batch_size < 1:
        raise ValueError(f"window and batch_size must be at least 1, got {window} and {batch_size}")
    n_targets = len(ids) - 1
    if n_targets < 1:
        raise DataError(_too_short("validation text", len(ids), 1))
    n_rows = n_targets // window
    whole = n_rows * window
    xs, ys = ids[:whole].view(n_rows, window), ids[1 : whole + 1].view(n_rows, window)
    for row in range(0, n_rows, batch_size):
        yield xs[row : row + batch_size].long(), ys[row : row + batch_size].long()
    if whole < n_targets:
        yield ids[None, whole:-1].long(), ids[None, whole + 1 :].long()


def _too_short(name: str, n_tokens: int, window: int) -> str:
    """Describe a text too short for one window, with the largest power of two that would fit."""
    fitting = 1 << (n_tokens - 1).bit_length() - 1 if n_tokens > 1 else 0
    remedy = f"Add text, or use `window={fitting}`." if fitting >= 8 else "Add text."
    tokens = "1 token" if n_tokens == 1 else f"{n_tokens} tokens"
    return f"{name}: {tokens}, but a window needs window + 1 = {window + 1}. {remedy}"
