"""Sources with weights, by which each has its share of the windows to train on.

A share is of windows. An epoch has as many windows as all sources have together, n; of these round(n * share) are
of a source, at least one, whatever its length: a source whose share is larger than its part of the text comes round
before the others do, and of one whose share is smaller a rest is left for the next epoch. So a weight says how often a
source is met, never which of its windows: each source is passed through whole, in an order drawn anew for each pass.
All of this is a function of (seed, position) alone, as without weights.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nextword.data.corpus import Corpus
from nextword.data.sharded_corpus import ShardedCorpus
from nextword.data.windows import Ids, Windows, encode_corpus, split, window_at

if TYPE_CHECKING:
    from nextword.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Mixture:
    """Windows of several sources, met by their shares (positive, together 1). See this file's first lines."""

    parts: tuple[Windows, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        counts = per_epoch(len(self), self.shares)
        object.__setattr__(self, "_counts", counts)
        object.__setattr__(self, "_ends", [*itertools.accumulate(counts)])

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def n_tokens(self) -> int:
        """How many tokens all sources have together."""
        return sum(part.n_tokens for part in self.parts)

    def pick(self, position: int, seed: int) -> tuple[Tensor, Tensor]:
        """Pick the window at a position of the endless stream of epochs: x, y, (window,) int64 each."""
        counts: list[int] = self.__dict__["_counts"]
        ends: list[int] = self.__dict__["_ends"]
        epoch, place = divmod(position, len(self))
        slot = window_at(len(self), seed, epoch, place)
        part = bisect_right(ends, slot)
        own = epoch * counts[part] + slot - (ends[part] - counts[part])
        return self.parts[part].pick(own, seed)


def per_epoch(n: int, shares: Sequence[float]) -> list[int]:
    """Divide n windows by shares into whole numbers, by the largest remainders; each is at least 1."""
    counts = [max(1, int(n * share)) for share in shares]
    while (missing := n - sum(counts)) != 0:
        lacks = [
            n * share - count if missing > 0 or count > 1 else n for share, count in zip(shares, counts, strict=True)
        ]
        i = lacks.index(max(lacks) if missing > 0 else min(lacks))
        counts[i] += 1 if missing > 0 else -1
    return counts


def encode_shares(
    corpus: Corpus | ShardedCorpus, tokenizer: "Tokenizer", val_fraction: float
) -> tuple[Sequence[Ids], Tensor]:
    """Encode a corpus, and set the end of each weighted source aside for validation.

    -> the ids to train on, (N,) each: one for each share, or one for all without shares; and those to validate on,
    of the sources one after the other. So what is validated on is not weighted.
    """
    if isinstance(corpus, ShardedCorpus):
        train_files, val_files = corpus.split(tokenizer.n_vocab, val_fraction)
        return [train_files], val_files[:]
    if not corpus.shares:
        train_ids, val_ids = split(encode_corpus(corpus, tokenizer), val_fraction)
        return [train_ids], val_ids
    ends = [*itertools.accumulate(share.n_documents for share in corpus.shares)]
    parts = [
        split(encode_corpus(replace(corpus, documents=corpus.documents[start:end]), tokenizer), val_fraction)
        for start, end in itertools.pairwise([0, *ends])
    ]
    return [train_ids for train_ids, _ in parts], torch.cat([val_ids for _, val_ids in parts])


def cut_windows(
    parts: Sequence[Ids], corpus: Corpus | ShardedCorpus, window: int, stride: int, name: str
) -> Windows | Mixture:
    """Cut the ids of `encode_shares` into windows; `name` is the whole's in messages."""
    if not corpus.shares:
        return Windows(parts[0], window, stride, name)
    windows = [Windows(ids, window, stride, share.name) for ids, share in zip(parts, corpus.shares, strict=True)]
    return Mixture(tuple(windows), tuple(share.share for share in corpus.shares))
