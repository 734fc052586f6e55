"""Keys and values of the tokens that the model has already read."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nextword.config import GPTConfig


class KVCache:
    """Remembers every layer's keys and values, so that writing a token costs one token's work.

    Without it each new token would need a pass over the whole text. The cache
    also owns the position: `length` is how many tokens it holds, hence the
    position of the next one. It makes room for n_ctx tokens at once:
    2 * n_layer * batch_size * n_ctx * n_embd numbers, 72 MiB for GPT-2 124M
    in float32. A cache is for writing, not for learning: no gradient flows
    through it.
    """

    def __init__(
        self,
        config: GPTConfig,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        head_width = config.n_embd // config.n_head
        shape = (config.n_layer, batch_size, config.n_head, config.n_ctx, head_width)
        self._keys: Sequence[Tensor] = torch.empty(shape, dtype=dtype, device=device).unbind()
        self._values: Sequence[Tensor] = torch.empty(shape, dtype=dtype, device=device).unbind()
        self.length = 0

    visible: Tensor | None = None
    """No mask is needed: all rows are equally long, so that causality alone says what is seen."""

    @property
    def batch_size(self) -> int:
        """How many texts are held side by side."""
        return self._keys[0].size(0)

    @property
    def n_ctx(self) -> int:
        """How many tokens of each text there is room for."""
        return self._keys[0].size(2)

    def place(self, T: int) -> Tensor:
        """The positions of the next T tokens, the same for every row: (T,)."""
        return torch.arange(self.length, self.length + T, device=self._keys[0].device)

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the new tokens' keys and values; give back all of them, old and new.

        k and v (B, H, T, D) -> two of (B, H, S, D), where S = length + T. The
        length itself grows in `advance`, once every layer has been here.
        """
        S = self.length + k.size(-2)
        keys, values = self._keys[layer], self._values[layer]  # (B, H, n_ctx, D) each
        keys[:, :, self.length : S] = k.detach()
        values[:, :, self.length : S] = v.detach()
        return keys[:, :, :S], values[:, :, :S]

    def held(self, layer: int) -> tuple[Tensor, Tensor]:
        """What a layer's part of the cache holds: two of (B, H, length, D), which change when the cache does."""
        return self._keys[layer][:, :, : self.length], self._values[layer][:, :, : self.length]

    def view(self, length: int) -> "KVCache":
        """The first tokens of this cache, in the same memory."""
        other = KVCache.__new__(KVCache)
        other._keys, other._values, other.length = self._keys, self._values, length
        return other

    def branch(self, length: int) -> "KVCache":
        """Another cache that holds the first tokens of this one, for a text that goes on differently from there."""
        other = KVCache.__new__(KVCache)
        other._keys, other._values = ([torch.empty_like(x) for x in kept] for kept in (self._keys, self._values))
        for new, old in zip((*other._keys, *other._values), (*self._keys, *self._values), strict=True):
            new[:, :, :length] = old[:, :, :length]
        other.length = length
        return other

    def advance(self, T: int) -> None:
        """Count T more tokens as read."""
        self.length += T

    def clear(self) -> None:
        """Forget everything, and begin again at position 0."""
        self.length = 0
