"""The engine in PyTorch, for any device; on CUDA it writes by replaying graphs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword.decode.checks import not_finite
from nextword.decode.choose import can_choose
from nextword.decode.cuda_graphs import NONE, CudaGraphs
from nextword.decode.engine import Chunk, Engine, Floats
from nextword.decode.sampler import Sampler, draw_in_torch
from nextword.decode.torch_step import Step
from nextword.model import GPT, KVCache
from nextword.model.eval_mode import eval_mode

TOKENS_TOGETHER = 16384  # of prompts that a GPU reads together, counting what fills up the shorter ones


class TorchEngine(Engine):
    """Write with a GPT where it is, n_rows texts side by side. compiled: see `Step`."""

    draw = staticmethod(draw_in_torch)

    def __init__(self, model: GPT, n_rows: int = 1, *, compiled: bool = False):
        super().__init__(model.config, n_rows)
        self._model, self._device = model, model.wte.weight.device
        self._step = Step(model, n_rows, compiled)
        self._graphs: CudaGraphs | None = None
        self._may_be_stale = True  # what the step copied of the weights, which may have learned since the last text
        self._tokens_together = 0  # a CPU is busy enough with one text
        if self._device.type == "cuda":
            self.steps_per_call, self._tokens_together, self._graphs = 16, TOKENS_TOGETHER, CudaGraphs(self._step)

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Replace this row's text by these ids; see `Engine.read`."""
        super().read(row, ids)
        self._may_be_stale = True

    @torch.inference_mode()
    def forward(self, chunks: Sequence[Chunk]) -> list[Floats]:
        """Read single tokens in one step, and longer chunks together where it pays."""
        if self._may_be_stale:
            self._step.refresh()
            self._may_be_stale = False
        logits: dict[int, Tensor] = {}
        with eval_mode(self._model):
            for group in self._groups([chunk for chunk in chunks if len(chunk.ids) > 1]):
                logits |= self._prefill(group)
            if single := {chunk.row: chunk.ids[0] for chunk in chunks if len(chunk.ids) == 1}:
                lengths = list(self.n_read)
                for chunk in chunks:
                    lengths[chunk.row] = chunk.start + (len(chunk.ids) if len(chunk.ids) > 1 else 0)
                self._step.prepare(single, lengths)
                scores = self._step()[torch.tensor(list(single), device=self._device)].float().cpu()
                logits |= {row: scores[i : i + 1] for i, row in enumerate(single)}
        return [logits[chunk.row][: chunk.n_scored].float().cpu().numpy() for chunk in chunks]

    @torch.inference_mode()
    def sample(
        self, rows: Sequence[int], samplers: Sequence[Sampler], numbers: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Write n tokens on each row; on CUDA by graphs, where these know the samplers. See `Engine.sample`."""
        settings = {sampler.sampling for sampler in samplers}
        if self._graphs is None or len(settings) != 1 or not can_choose(*settings):
            return super().sample(rows, samplers, numbers)
        self._check_write(rows, numbers)
        [sampling], columns, n = settings, list(rows), len(numbers)
        last = {row: len(self.texts[row]) - 1 for row in columns}  # the first step reads each text's last token
        unread = [Chunk(row, self.texts[row][self.n_read[row] : end], self.n_read[row], 0) for row, end in last.items()]
        self.forward([chunk for chunk in unread if chunk.ids])  # which refreshes, even where there is none
        for row, end in last.items():
            self.n_read[row] = end
        self._step.prepare({row: self.texts[row][-1] for row in columns}, self.n_read)
        all_numbers = np.zeros((n, self.n_rows))
        all_numbers[:, columns] = numbers
        with eval_mode(self._model):
            ids = self._graphs.write(sampling, all_numbers, 1 + max(last.values()))[:, columns]
        if (ids == NONE).any():
            raise not_finite(has_nan=True)
        for column, row in enumerate(columns):
            self.texts[row] += ids[:, column].tolist()
            self.n_read[row] += n
        return ids

    @torch.inference_mode()
    def copy_cache(self, row: int, onto: Sequence[int], length: int) -> None:
        """Copy a row's keys and values."""
        self._step.cache.copy(row, torch.tensor(list(onto), device=self._device))

    def _groups(self, chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
        """Divide chunks into what is read together: beginnings of texts, of similar lengths."""
        group: list[Chunk] = []
        for chunk in sorted(chunks, key=lambda chunk: len(chunk.ids)):
            if chunk.start or chunk.n_scored > 1:
                yield [chunk]
                continue
            if group and (len(group) + 1) * len(chunk.ids) > self._tokens_together:
                yield group
                group = []
            group.append(chunk)
        if group:
            yield group

    def _prefill(self, chunks: list[Chunk]) -> dict[int, Tensor]:
        """Read chunks, the longest of which stands last -> by row the logits (n_scored, V).

        Shorter ones are filled up with any id: none looks ahead, so nothing that counts sees it, and its keys and
        values are replaced before they are seen.
        """
        cache, T = self._step.cache, len(chunks[-1].ids)
        ids = torch.tensor([[*chunk.ids, *[0] * (T - len(chunk.ids))] for chunk in chunks], device=self._device)
        if len(chunks) == 1:
            x = self._model.trunk(ids, cache.row(chunks[0].row, chunks[0].start))  # (1, T, C)
        else:
            weight = self._model.wte.weight
            together = KVCache(replace(self.config, n_ctx=T), len(chunks), weight.dtype, self._device)
            x = self._model.trunk(ids, together)  # (B, T, C)
            cache.fill(torch.tensor([chunk.row for chunk in chunks], device=self._device), together)
        scored = [x[i, len(chunk.ids) - chunk.n_scored : len(chunk.ids)] for i, chunk in enumerate(chunks)]
        logits = self._model.head(torch.cat(scored))  # (all n_scored, V)
        return dict(zip([chunk.row for chunk in chunks], logits.split([len(x) for x in scored]), strict=True))
