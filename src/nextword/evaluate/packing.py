"""Several texts packed into one row, each of which sees itself only.

What several ends of a text share is read once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

SHARED = -1
"""The branch of a text's beginning, which all of its ends see."""


@dataclass(frozen=True)
class Tree:
    """A text with one or several ends, as ids: a beginning of at least one, and each end."""

    beginning: Sequence[int]
    ends: tuple[Sequence[int], ...]

    @property
    def size(self) -> int:
        """The tokens to read: an end's last one is only predicted."""
        return len(self.beginning) + sum(len(end) - 1 for end in self.ends)


@dataclass
class PackedRow:
    """Some trees in one row of tokens.

    ids, positions, trees and branches are of equal length: each token, its place in its own text, and to which tree
    and which end it belongs. scored: by tree and end the indices of the tokens whose next one is predicted.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    trees: list[int] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    scored: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def add(self, number: int, tree: Tree) -> None:
        """Append a tree, which is known by this number."""
        start, length = len(self.ids), len(tree.beginning)
        self._append(number, SHARED, tree.beginning, 0)
        for branch, end in enumerate(tree.ends):
            first = len(self.ids)
            self._append(number, branch, end[:-1], length)
            self.scored[number, branch] = [start + length - 1, *range(first, len(self.ids))]

    @property
    def is_plain(self) -> bool:
        """Whether it is a single text, for which the causal mask serves."""
        return len(self.scored) == 1

    def _append(self, number: int, branch: int, ids: Sequence[int], position: int) -> None:
        self.ids += ids
        self.positions += range(position, position + len(ids))
        self.trees += [number] * len(ids)
        self.branches += [branch] * len(ids)


def pack(trees: Iterable[tuple[int, Tree]], capacity: int) -> Iterator[PackedRow]:
    """Fill rows of at most so many tokens with trees, in their order.

    A larger tree has a row of its own.
    """
    row = PackedRow()
    for number, tree in trees:
        if row.ids and len(row.ids) + tree.size > capacity:
            yield row
            row = PackedRow()
        row.add(number, tree)
    if row.ids:
        yield row


class PackedTexts:
    """The mask and the positions of packed rows, in the place of a KV cache: see `model.cache.Cache`."""

    static = False
    length = 0

    def __init__(self, rows: Sequence[PackedRow], device: torch.device):
        self.batch_size = len(rows)
        T = max(len(row.ids) for row in rows)

        def padded(numbers: Iterable[list[int]], filler: int) -> Tensor:
            """-> (B, T)."""
            return torch.tensor([row + [filler] * (T - len(row)) for row in numbers], device=device)

        self.ids = padded((row.ids for row in rows), 0)
        self._positions = padded((row.positions for row in rows), 0)
        trees, branches = padded((row.trees for row in rows), -1), padded((row.branches for row in rows), SHARED)
        earlier = torch.ones(T, T, dtype=torch.bool, device=device).tril()
        of_one_tree = trees[:, :, None] == trees[:, None]  # (B, T, T)
        on_the_way = (branches[:, None] == SHARED) | (branches[:, :, None] == branches[:, None])
        self.visible = (earlier & of_one_tree & on_the_way)[:, None]  # (B, 1, T, T)

    def place(self, T: int) -> Tensor:
        """Give each token's place in its own text: (B, T)."""
        return self._positions

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Give keys and values back: there is nothing that was read before."""
        return k, v

    def advance(self, T: int) -> None:
        """Forget what was read: nothing follows it."""
