"""Write by CUDA graphs: a step and its token's choice, captured once and replayed."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword.decode.choose import choose
from nextword.decode.sampling import Sampling
from nextword.decode.torch_step import Step

GRAPHS_KEPT = 24  # at most: one for each sampling setting and reach

NONE = -1  # in an id's place


class CudaGraphs:
    """Write on the active rows of a `Step`, so that the processor is hardly needed.

    There is a graph for each sampling setting and reach. Tokens are chosen, read
    and kept on the GPU, and fetched once at the end.
    """

    def __init__(self, step: Step):
        n_ctx, n_rows, device = step.cache.config.n_ctx, step.cache.batch_size, step.ids.device
        self._step, self._device = step, device
        self._numbers = torch.zeros(n_ctx, n_rows, dtype=torch.float64, device=device)
        self._chosen = torch.zeros(n_ctx, n_rows, dtype=torch.int64, device=device)
        self._turn = torch.zeros(1, dtype=torch.int64, device=device)  # which row of the two is at hand
        # All graphs share their scratch memory: one is at work at a time, and none leaves anything there.
        self._pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None
        self._graphs: dict[tuple[Sampling, int], Callable[[], None]] = {}

    def write(self, sampling: Sampling, numbers: NDArray[np.float64], length: int) -> NDArray[np.int64]:
        """Write n tokens on the active rows: numbers (n, R) -> ids (n, R), NONE where the logits are no numbers.

        length: of the longest active row's text, with the token that the first step reads.
        """
        n = len(numbers)
        self._numbers[:n] = torch.from_numpy(numbers).to(self._device)
        self._turn.zero_()
        for i in range(n):
            self._graph(sampling, self._step.reach(length + i))()
        chosen: NDArray[np.int64] = self._chosen[:n].cpu().numpy()  # here the GPU is waited for
        return chosen

    def _graph(self, sampling: Sampling, reach: int) -> Callable[[], None]:
        """Find or capture what writes one token as long as texts are no longer than `reach`."""
        key = sampling, reach
        found = self._graphs.pop(key, None) or self._make_graph(sampling, reach)
        self._graphs[key] = found  # the last used stands last
        if len(self._graphs) > GRAPHS_KEPT:
            del self._graphs[next(iter(self._graphs))]
        return found

    def _make_graph(self, sampling: Sampling, reach: int) -> Callable[[], None]:
        def write_one() -> None:
            """Take a step and choose what follows."""
            self._step.cache.reach = reach
            self._choose(sampling, self._step())
            self._turn.add_(1)

        return self._capture(write_one)

    def _choose(self, sampling: Sampling, logits: Tensor) -> None:
        """Choose by the logits (R, V) and this turn's numbers. The ids are kept for the next step, too."""
        chosen = choose(sampling, logits, self._numbers.index_select(0, self._turn).squeeze(0))  # (R,)
        self._step.ids.copy_(torch.where(self._step.cache.active, chosen, self._step.ids))
        known = torch.where(logits.amax(-1).isfinite(), chosen, NONE)  # what no number is chosen by has to be told
        self._chosen.index_copy_(0, self._turn, known.unsqueeze(0))

    def _capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Warm up with no row active, so that nothing is changed, and capture."""
        active, turn = self._step.cache.active.clone(), self._turn.clone()
        self._step.cache.active.zero_()
        # Libraries set themselves up, and compilers compile, at first use: neither may happen in a capture.
        with torch.cuda.device(self._device):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(2):
                    self._turn.copy_(turn)
                    work()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                work()
        self._step.cache.active.copy_(active)
        self._turn.copy_(turn)

        def replay() -> None:
            graph.replay()
            work  # noqa: B018  (what the graph reads and writes must live as long as it does)

        return replay
