"""The engine to read along with: a model of the plain functions, and one text after the other."""

from collections.abc import Sequence

import torch

from nextword.decode.engine import Chunk, Engine, Floats
from nextword.decode.sampler import draw_in_torch
from nextword.model import GPT, KVCache
from nextword.model.eval_mode import eval_mode


class PlainEngine(Engine):
    """Write with `GPT(config, ops=plain)` and a KV cache for each row.

    With `bpe.py` before and after it this is all of the tour's first evening:
    what `--engine plain` runs. Its texts are those of the other engines.
    """

    draw = staticmethod(draw_in_torch)

    def __init__(self, model: GPT, n_rows: int = 1):
        super().__init__(model.config, n_rows)
        weight = model.wte.weight
        self._model, self._device = model, weight.device
        self._caches = [KVCache(model.config, 1, weight.dtype, weight.device) for _ in range(n_rows)]

    def forward(self, chunks: Sequence[Chunk]) -> list[Floats]:
        """Read one chunk after the other -> of each the logits (n_scored, V)."""
        return [self._read(chunk) for chunk in chunks]

    @torch.no_grad()
    def _read(self, chunk: Chunk) -> Floats:
        cache = self._caches[chunk.row]
        cache.length = chunk.start
        with eval_mode(self._model):
            logits = self._model(torch.tensor([chunk.ids], device=self._device), cache)[0]  # (T, V)
        scored: Floats = logits[len(chunk.ids) - chunk.n_scored :].float().cpu().numpy()
        return scored

    def copy_cache(self, row: int, onto: Sequence[int], length: int) -> None:
        """Copy a row's keys and values."""
        for other in onto:
            self._caches[other] = self._caches[row].branch(length)
