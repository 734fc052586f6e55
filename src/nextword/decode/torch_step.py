"""One decoding step in PyTorch: read a token on every row at once, and score the next ones."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nextword.model import GPT, RowCache

REACH = 128  # positions that attention looks at in short texts; in longer ones a multiple of them
VOCAB_MULTIPLE = 64  # tensor cores want rows of a multiple of 16 bytes; 64 numbers suit their tiles


class Step:
    """Read one token on each active row of a cache -> logits (R, V) of what follows.

    All rows are computed together, those that are not active in vain. Everything
    that a CUDA graph touches stays at its address: the cache and `ids` (R,), which
    are read next. The weights are the model's own, so it may learn between two
    texts, but not move to another device or precision.

    compiled: whether torch.compile fuses the small kernels, which takes some ten
    seconds for each of the (at most four) reaches of n_ctx = 1024; after many
    such engines, torch.compiler.reset() lets go of what they compiled.
    """

    def __init__(self, model: GPT, n_rows: int, compiled: bool = False):
        weight = model.wte.weight
        self.model, self._compiled = model, compiled
        self.cache = RowCache(model.config, n_rows, weight.dtype, weight.device)
        self.ids = torch.zeros(n_rows, dtype=torch.int64, device=weight.device)
        self._head = padded_head(weight) if weight.is_cuda and n_rows > 1 else None
        self._run = self._forward
        if compiled:
            self._run = torch.compile(
                self._forward,
                fullgraph=True,
                dynamic=False,
                # With this option products of one row become sums that fuse with what stands around them.
                options={"coordinate_descent_tuning": True} if n_rows == 1 else None,
            )

    def __call__(self) -> Tensor:
        """Take the step that was prepared."""
        return self._run()

    def prepare(self, ids: Mapping[int, int], lengths: Sequence[int]) -> None:
        """Activate some rows: ids by row; lengths, how many tokens the cache holds of every row."""
        rows = torch.tensor(list(ids), device=self.ids.device)
        self.ids[rows] = torch.tensor(list(ids.values()), device=self.ids.device)
        self.cache.lengths.copy_(torch.tensor(lengths))
        self.cache.active.fill_(False)
        self.cache.active[rows] = True
        self.cache.reach = self.reach(1 + max(lengths[row] for row in ids))

    def refresh(self) -> None:
        """Copy again what is a copy of the model's weights: they may have learned."""
        if self._head is not None:
            self._head[: self.model.config.n_vocab] = self.model.wte.weight

    def reach(self, length: int) -> int:
        """Round a text's length up to a multiple, so that few graphs serve all lengths.

        Where each of them has to be compiled they are fewer.
        """
        reach = -(-length // REACH) * REACH
        if self._compiled:
            reach = REACH << (reach // REACH - 1).bit_length()
        return min(reach, self.model.config.n_ctx)

    def _forward(self) -> Tensor:
        x = self.model.trunk(self.ids.unsqueeze(1), self.cache)[:, 0]  # (R, C)
        if self._head is None:
            return self.model.head(x)
        return nn.functional.linear(x, self._head)[:, : self.model.config.n_vocab]


def padded_head(weight: Tensor) -> Tensor:
    """Make zeros with the place for weight (V, C), and rows added until their number suits the tensor cores."""
    V, C = weight.shape
    return torch.zeros(-(-V // VOCAB_MULTIPLE) * VOCAB_MULTIPLE, C, dtype=weight.dtype, device=weight.device)
