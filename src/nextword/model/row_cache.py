"""Keys and values of texts that are not equally long, side by side."""

import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.model.cache import KVCache


class RowCache:
    """Keys and values of texts of different lengths, a row each.

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

    def __init__(
        self,
        config: GPTConfig,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        shape = (batch_size, config.n_head, config.n_ctx, config.n_embd // config.n_head)
        # Zeros, not whatever is there: a weight of 0 for what is not visible does not tame a NaN. A tensor for each
        # layer, not a view of one for all: a compiler updates a whole tensor in place, of a view it may make a copy.
        self._keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.n_layer)]
        self._values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.n_layer)]
        self._rows = torch.arange(batch_size, device=device).unsqueeze(1)  # (B, 1)
        self._slots = torch.arange(config.n_ctx, device=device)
        self.lengths = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self.active = torch.ones(batch_size, dtype=torch.bool, device=device)
        self.reach = config.n_ctx
        self.visible: Tensor | None = None

    @property
    def batch_size(self) -> int:
        """How many texts are held side by side."""
        return self._keys[0].size(0)

    @property
    def n_ctx(self) -> int:
        """How many tokens of each text there is room for."""
        return self._keys[0].size(2)

    def row(self, row: int, length: int = 0) -> KVCache:
        """A cache for one text that keeps its keys and values in this row, where the first ones are already.

        `lengths` is left to the caller.
        """
        one = KVCache.__new__(KVCache)
        one._keys = [keys[row : row + 1] for keys in self._keys]
        one._values = [values[row : row + 1] for values in self._values]
        one.length = length
        return one

    def fill(self, rows: Tensor, read: KVCache) -> None:
        """Take over what another cache has read, its rows into these rows (R,). `lengths` is left to the caller."""
        for keys, values, new_keys, new_values in zip(self._keys, self._values, read._keys, read._values, strict=True):
            keys[rows, :, : read.length] = new_keys[:, :, : read.length]
            values[rows, :, : read.length] = new_values[:, :, : read.length]

    def copy(self, row: int, onto: Tensor) -> None:
        """Let other rows (R,) hold what this one holds."""
        for kept in (*self._keys, *self._values):
            kept[onto] = kept[row].clone()
        self.lengths[onto] = self.lengths[row].clone()

    def place(self, T: int) -> Tensor:
        """The positions of each row's next T tokens (B, T), kept for the layers with the mask of what they see."""
        positions = self.lengths.unsqueeze(1) + self._slots[:T]
        # A row that is full and not at work needs a place to write in vain, and no longer needs its last one.
        self._positions = positions.clamp(max=self.n_ctx - 1)  # (B, T)
        self.visible = (self._slots[: self.reach] <= self._positions.unsqueeze(-1)).unsqueeze(1)  # (B, 1, T, S)
        return self._positions

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store every row's new keys and values at its own positions; give back the first S of all rows.

        k and v (B, H, T, D) -> two of (B, H, S, D), of which `visible` says what is to be seen.
        """
        keys, values = self._keys[layer], self._values[layer]  # (B, H, n_ctx, D) each
        keys[self._rows, :, self._positions] = k.detach().transpose(1, 2)  # (B, T, H, D)
        values[self._rows, :, self._positions] = v.detach().transpose(1, 2)
        return keys[:, :, : self.reach], values[:, :, : self.reach]

    def advance(self, T: int) -> None:
        """Count T more tokens as read, on the rows that are at work."""
        self.lengths += self.active * T


Cache = KVCache | RowCache
"""What the model can write into: rows of one length, or a length for each row."""
