"""The engine for any function from ids to logits: it has no cache and rereads each text."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from nextword.config import GPTConfig
from nextword.decode.engine import Chunk, Engine, Floats

NOTHING = np.empty((0, 0), np.float32)  # the logits of a chunk of which none are wanted


class RereadingEngine(Engine):
    """Write with a function from ids (B, T) to logits (B, T, V).

    Without a cache the nth token costs as much as a text of n tokens. On the
    other hand nothing has to be kept true: this is what an engine with a cache
    can be compared with.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Tensor],
        config: GPTConfig,
        n_rows: int = 1,
        device: torch.device | str = "cpu",
    ):
        super().__init__(config, n_rows)
        self._model, self._device = model, device

    def forward(self, chunks: Sequence[Chunk]) -> list[Floats]:
        """Read each row's text up to the chunk's end, whole, and score its last tokens: of (n_scored, V) each."""
        return [
            self._logits(self.texts[row][: start + len(ids)])[-n:] if n else NOTHING for row, ids, start, n in chunks
        ]

    def copy_cache(self, row: int, onto: Sequence[int], length: int) -> None:
        """Do nothing, since there is no cache."""

    @torch.no_grad()
    def _logits(self, text: list[int]) -> Floats:
        """Call the model: T ids -> (T, V)."""
        logits: Floats = self._model(torch.tensor([text], device=self._device))[0].float().cpu().numpy()
        return logits
