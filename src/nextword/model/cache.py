"""The KV cache: keys and values of the tokens read so far."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from nextword.config import GPTConfig


class Cache(Protocol):
    """What the network asks of a KV cache of either kind."""

    @property
    def batch_size(self) -> int:
        """The number of texts side by side."""

    @property
    def length(self) -> int:
        """The number of tokens in each text; 0 if only the device knows."""

    @property
    def static(self) -> bool:
        """Whether a step may be captured as a CUDA graph, in which no value is read back."""

    @property
    def visible(self) -> Tensor | None:
        """The attention mask of the new queries, (B, 1, T, S) of bool; None for the causal one."""

    def place(self, T: int) -> Tensor:
        """Give the positions of the next T tokens, (T,) or (B, T)."""

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values: two of (B, H, T, D) -> all of them, two of (B, H, S, D)."""

    def advance(self, T: int) -> None:
        """Count T more tokens as read, once every layer has stored them."""


class KVMemory(NamedTuple):
    """The tensors of a KV cache: keys and values (B, H, n_ctx, D) for each layer."""

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @classmethod
    def new(
        cls,
        fill: Callable[..., Tensor],
        config: GPTConfig,
        batch_size: int,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> "KVMemory":
        """Allocate a tensor for each layer, with torch.empty or torch.zeros.

        Not one tensor for all: a compiler updates a whole tensor in place, of a
        view it may make a copy.
        """
        shape = (batch_size, config.n_head, config.n_ctx, config.n_embd // config.n_head)
        layers = range(config.n_layer)
        keys, values = (tuple(fill(shape, dtype=dtype, device=device) for _ in layers) for _ in "kv")
        return cls(keys, values)

    @property
    def batch_size(self) -> int:
        """The number of texts side by side."""
        return self.keys[0].size(0)

    def row(self, row: int) -> "KVMemory":
        """Share the memory of one text."""
        return KVMemory(*(tuple(kept[row : row + 1] for kept in part) for part in self))

    def copy(self, length: int) -> "KVMemory":
        """Copy the first tokens into new memory of the same size."""
        other = KVMemory(*(tuple(torch.empty_like(kept) for kept in part) for part in self))
        for new, old in zip((*other.keys, *other.values), (*self.keys, *self.values), strict=True):
            new[:, :, :length] = old[:, :, :length]
        return other


class KVCache:
    """Keep every layer's keys and values, so that a new token costs one token's work.

    Without it each new token would need a pass over the whole text. The cache
    also owns the position: `length` is how many tokens it holds, hence the
    position of the next one. It makes room for n_ctx tokens at once:
    2 * n_layer * batch_size * n_ctx * n_embd numbers, 72 MiB for GPT-2 124M
    in float32. A cache is for writing, not for learning: no gradient flows
    through it. memory: what to keep them in, if it is there already, with the
    first `length` tokens.
    """

    static = False
    visible: Tensor | None = None
    """No mask is needed: all rows are equally long, so that causality alone says what is seen."""

    def __init__(
        self,
        config: GPTConfig,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        *,
        memory: KVMemory | None = None,
        length: int = 0,
    ):
        self.config = config
        self.memory = memory or KVMemory.new(torch.empty, config, batch_size, dtype, device)
        self.length = length

    @property
    def batch_size(self) -> int:
        """The number of texts side by side."""
        return self.memory.batch_size

    def place(self, T: int) -> Tensor:
        """Give the positions of the next T tokens, the same for every row: (T,)."""
        return torch.arange(self.length, self.length + T, device=self.memory.keys[0].device)

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the new tokens' keys and values; give back all of them, old and new.

        k and v (B, H, T, D) -> two of (B, H, S, D), where S = length + T. The
        length itself grows in `advance`, once every layer has been here.
        """
        S = self.length + k.size(-2)
        keys, values = self.memory.keys[layer], self.memory.values[layer]  # (B, H, n_ctx, D) each
        keys[:, :, self.length : S] = k.detach()
        values[:, :, self.length : S] = v.detach()
        return keys[:, :, :S], values[:, :, :S]

    def advance(self, T: int) -> None:
        """Count T more tokens as read."""
        self.length += T

    def clear(self) -> None:
        """Empty the cache, to begin again at position 0."""
        self.length = 0

    def held(self, layer: int) -> tuple[Tensor, Tensor]:
        """View a layer's keys and values, two of (B, H, length, D)."""
        return self.memory.keys[layer][:, :, : self.length], self.memory.values[layer][:, :, : self.length]

    def view(self, length: int) -> "KVCache":
        """Share the memory in a cache of the first tokens."""
        return KVCache(self.config, memory=self.memory, length=length)

    def branch(self, length: int) -> "KVCache":
        """Copy the first tokens into a cache of their own, for a text that goes on differently."""
        return KVCache(self.config, memory=self.memory.copy(length), length=length)
