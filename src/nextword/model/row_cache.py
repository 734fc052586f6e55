"""A KV cache of texts of different lengths, side by side."""

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.model.cache import KVCache, KVMemory


class RowCache:
    """Keep the keys and values of texts of different lengths, a row each.

    Where a `KVCache` has one length, this one has a length per row, and they
    live on the device: nothing here depends on their values but the contents
    of tensors whose shapes are fixed, so that a step can be captured as a CUDA
    graph and replayed without asking the processor.

    lengths (B,) of int64: how many tokens each row holds. active (B,) of bool:
    which rows are at work; the others are computed along with them in vain and
    hold what they held. reach (S): how many positions, from the first, attention
    looks at. It must cover every active row with its new tokens, and no active
    row may outgrow n_ctx: whoever fills the cache sees to both.
    """

    static = True
    length = 0
    """Not known here: the lengths are on the device, and whoever fills the cache knows them."""

    def __init__(
        self,
        config: GPTConfig,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        self.config = config
        # Zeros, not whatever is there: a weight of 0 for what is not visible does not tame a NaN.
        self.memory = KVMemory.new(torch.zeros, config, batch_size, dtype, device)
        self._rows = torch.arange(batch_size, device=device).unsqueeze(1)  # (B, 1)
        self._slots = torch.arange(config.n_ctx, device=device)
        self.lengths = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self.active = torch.ones(batch_size, dtype=torch.bool, device=device)
        self.reach = config.n_ctx
        self.visible: Tensor | None = None

    @property
    def batch_size(self) -> int:
        """The number of texts side by side."""
        return self.memory.batch_size

    def row(self, row: int, length: int = 0) -> KVCache:
        """Make a cache of one text in this row's memory, with its first tokens.

        `lengths` is left to the caller.
        """
        return KVCache(self.config, memory=self.memory.row(row), length=length)

    def fill(self, rows: Tensor, read: KVCache) -> None:
        """Copy another cache's tokens into these rows (R,). `lengths` is left to the caller."""
        for kept, new in zip(self.memory, read.memory, strict=True):
            for layer, other in zip(kept, new, strict=True):
                layer[rows, :, : read.length] = other[:, :, : read.length]

    def copy(self, row: int, onto: Tensor) -> None:
        """Copy this row onto other rows (R,)."""
        for kept in (*self.memory.keys, *self.memory.values):
            kept[onto] = kept[row].clone()
        self.lengths[onto] = self.lengths[row].clone()

    def place(self, T: int) -> Tensor:
        """Give the positions of each row's next T tokens (B, T), and make their attention mask."""
        positions = self.lengths.unsqueeze(1) + self._slots[:T]
        # A row that is full and not at work needs a place to write in vain, and no longer needs its last one.
        self._positions = positions.clamp(max=self.config.n_ctx - 1)  # (B, T)
        self.visible = (self._slots[: self.reach] <= self._positions.unsqueeze(-1)).unsqueeze(1)  # (B, 1, T, S)
        return self._positions

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store every row's new keys and values at its own positions, and give back all.

        k and v (B, H, T, D) -> two of (B, H, S, D), of which `visible` says what is to be seen.
        """
        keys, values = self.memory.keys[layer], self.memory.values[layer]  # (B, H, n_ctx, D) each
        keys[self._rows, :, self._positions] = k.detach().transpose(1, 2)  # (B, T, H, D)
        values[self._rows, :, self._positions] = v.detach().transpose(1, 2)
        return keys[:, :, : self.reach], values[:, :, : self.reach]

    def advance(self, T: int) -> None:
        """Count T more tokens as read, on the rows that are at work."""
        self.lengths += self.active * T
