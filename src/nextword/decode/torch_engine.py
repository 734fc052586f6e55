"""Writing with PyTorch, on any device; on CUDA by replaying graphs, so that the processor is hardly needed."""

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nextword.decode.checks import (
    check_advance,
    check_copy,
    check_put,
    check_row,
    check_text,
    check_write,
    not_finite,
    room_after,
)
from nextword.decode.choose import choose
from nextword.decode.row_reader import RowReader
from nextword.decode.sampling import Sampling
from nextword.model import GPT, RowCache
from nextword.model.eval_mode import eval_mode

REACH = 128  # positions that attention looks at in short texts; in longer ones a multiple of them
GRAPHS_KEPT = 24  # at most: one for each sampling setting and reach
TOKENS_AT_ONCE = 16384  # of prompts that are read together, counting what fills up the shorter ones
VOCAB_MULTIPLE = 64  # tensor cores want rows of a multiple of 16 bytes; 64 numbers suit their tiles

NONE = -1  # in an id's place

By = Literal["torch", "compile", "triton"]
"""What computes a step."""


class TorchEngine:
    """A GPT that writes n_rows texts side by side; see `Engine`.

    On every device the rows take their steps together: those that were not
    asked for are computed in vain. What a row holds is how many of its tokens
    the cache has read, and one more, pending, which the next step reads.

    On CUDA a step and the choice of the token are captured as a graph, once for
    each sampling setting and reach, and replayed: the tokens of one `write` are
    chosen, read and kept on the GPU, and fetched once at the end. The graphs
    read the model's own weights where they are, so a model may learn between
    two texts (but not move to another device or precision).

    by: what a step is made of. "torch" is the model itself. "compile" passes it
    through torch.compile, which fuses its small kernels, and takes some ten
    seconds for each of the (at most four) reaches of n_ctx = 1024; after many
    such engines, torch.compiler.reset() lets go of what they compiled. "triton"
    is our own kernels: for a single row as few as can be, for more rows an
    attention that reads of each row no more than it has, and for all the choice.
    """

    def __init__(self, model: GPT, n_rows: int = 1, *, by: By = "torch"):
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1, not {n_rows}.")
        weight = model.wte.weight
        device, n_ctx = weight.device, model.config.n_ctx
        self.config = model.config
        self.n_rows = n_rows
        self.pace = 16 if device.type == "cuda" else 1
        self._model, self._device, self._by = model, device, by
        self._captures = device.type == "cuda"
        self._lengths = [0] * n_rows  # of each row's text, with the pending token
        self._seen: set[int] = set()  # rows whose pending token is in the cache, though it does not count yet
        # Everything that a graph touches stays at its address.
        self._cache = RowCache(model.config, n_rows, weight.dtype, device)
        self._pending = torch.zeros(n_rows, dtype=torch.int64, device=device)  # (R,)
        tokens_at_once = TOKENS_AT_ONCE if self._captures else 0  # a CPU is busy enough with one text
        self._reader = RowReader(model, self._cache, self._pending, tokens_at_once)
        wide = torch.float32 if device.type == "mps" else torch.float64
        self._numbers = torch.zeros(n_ctx, n_rows, dtype=wide, device=device)
        self._chosen = torch.zeros(n_ctx, n_rows, dtype=torch.int64, device=device)
        self._turn = torch.zeros(1, dtype=torch.int64, device=device)  # which row of the two is at hand
        self._head = padded_head(weight) if self._captures and n_rows > 1 else None
        # All graphs share their scratch memory: one is at work at a time, and none leaves anything there.
        self._pool = torch.cuda.graph_pool_handle() if self._captures else None
        self._step = self._make_step()
        self._graphs: dict[tuple[Sampling, int], Callable[[], None]] = {}

    def read(self, row: int, ids: Sequence[int]) -> None:
        """Forget what this row holds, and read these ids, 1 to n_ctx of them. Raises ValueError for other ids.

        It is done when something is to be written, so that several rows' can be read at once.
        """
        check_row(self, row)
        check_text(ids, self.config)
        self._reader.begin(row, ids)
        self._seen.discard(row)
        self._lengths[row] = len(ids)

    @torch.inference_mode()
    def write(self, rows: Sequence[int], sampling: Sampling, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """Write n tokens on each of these rows: numbers (n, R) in [0, 1) -> ids (n, R).

        Raises ValueError where a row has read nothing yet or has no room for n more, and NotFiniteError as
        `not_finite` says (but for by="triton").
        """
        check_write(self, rows, numbers)
        n, columns = len(numbers), list(rows)
        if n == 0 or not columns:
            return np.zeros(numbers.shape, dtype=np.int64)
        self._catch_up(columns)
        self._seen.difference_update(columns)
        all_numbers = np.zeros((n, self.n_rows))
        all_numbers[:, columns] = numbers
        self._numbers[:n] = torch.from_numpy(all_numbers).to(self._numbers.dtype).to(self._device)
        self._activate(columns)
        self._turn.zero_()
        with eval_mode(self._model):
            longest = max(self._lengths[row] for row in columns)
            for length in range(longest, longest + n):
                self._writing(sampling, self._reach(length))()
        for row in columns:
            self._lengths[row] += n
        chosen: NDArray[np.int64] = self._chosen[:n].cpu().numpy()[:, columns]  # here the GPU is waited for
        if (chosen == NONE).any():
            raise not_finite(has_nan=True)
        return chosen

    @torch.inference_mode()
    def advance(
        self, rows: Sequence[int], at_most: int | None = None, scored: Collection[int] = ()
    ) -> dict[int, NDArray[np.float32]]:
        """Read on, on these rows -> scores (n, V) by row; see `Engine`.

        The pending tokens stay pending, and `put` makes them count.
        """
        check_advance(self, rows)
        found = self._read_on(rows, sys.maxsize if at_most is None else at_most, scored)
        if others := [row for row in rows if row not in found and not self._reader.unread(row)]:
            step = self._look(others)
            found |= {row: step[i : i + 1] for i, row in enumerate(others)}
        return found

    def _read_on(self, rows: Sequence[int], at_most: int, scored: Collection[int]) -> dict[int, NDArray[np.float32]]:
        """Read of these rows' prompts what there is time for; give the scores (n, V) of those that are in `scored`."""
        reading = [row for row in rows if self._reader.unread(row)]
        left = at_most - len(set(rows).difference(reading, self._seen))  # each of whom reads its pending token
        found, to_the_end = {}, []
        if reading:
            self._refresh()
        for row in reading:
            n = min(left, self._reader.unread(row))
            if n <= 0:
                break
            left -= n
            with eval_mode(self._model):
                if row in scored:
                    found[row] = np.array(self._reader.read_scored(row, n).float().cpu().numpy())
                    if not self._reader.unread(row):
                        self._seen.add(row)
                elif n < self._reader.unread(row):
                    self._reader.read_part(row, n)
                else:
                    to_the_end.append(row)
        self._catch_up(to_the_end)
        return found

    @torch.inference_mode()
    def put(self, rows: Sequence[int], ids: Sequence[int]) -> None:
        """Say which token comes next on each of these rows. Raises ValueError where there is no room."""
        check_put(self, rows, ids)
        if not rows:
            return
        if unseen := [row for row in rows if row not in self._seen]:
            self._catch_up(unseen)
            self._look(unseen)
        places = torch.tensor(list(rows), device=self._device)
        self._cache.lengths[places] += 1
        self._pending[places] = torch.tensor(list(ids), device=self._device)
        self._seen.difference_update(rows)
        for row in rows:
            self._lengths[row] += 1

    @torch.inference_mode()
    def copy(self, row: int, onto: Sequence[int]) -> None:
        """Let other rows hold what this one holds. Raises ValueError where that is nothing."""
        check_copy(self, row, onto)
        if not onto:
            return
        self._catch_up([row])
        places = torch.tensor(list(onto), device=self._device)
        self._cache.copy(row, places)
        self._pending[places] = self._pending[row].clone()
        self._seen = self._seen.union(onto) if row in self._seen else self._seen.difference(onto)
        for other in onto:
            self._reader.forget(other)
            self._lengths[other] = self._lengths[row]

    @torch.inference_mode()
    def logits(self, row: int) -> NDArray[np.float32]:
        """The scores (V,) of this row's next token. Raises ValueError where n_ctx is full."""
        check_advance(self, [row])
        self._catch_up([row])
        return self._look([row])[0]

    def room(self, row: int) -> int:
        """How many more tokens can be written on this row: n_ctx + 1 - L after reading L."""
        check_row(self, row)
        return room_after(self, row, self._lengths[row])

    def _look(self, rows: list[int]) -> NDArray[np.float32]:
        """The scores (R, V) of these rows' next tokens. The pending ones are seen, and do not count yet."""
        self._activate(rows)
        self._cache.reach = self._reach(max(self._lengths[row] for row in rows))
        places = torch.tensor(rows, device=self._device)
        with eval_mode(self._model):
            scores = np.array(self._step()[places].float().cpu().numpy())  # a copy: kernels use their place again
        self._cache.lengths[places] -= 1
        self._seen.update(rows)
        return scores

    def _catch_up(self, rows: Collection[int]) -> None:
        """Read to its end what is still to be read on these rows."""
        if reading := [row for row in rows if self._reader.unread(row)]:
            self._refresh()
            with eval_mode(self._model):
                self._reader.read(reading)

    def _make_step(self) -> Callable[[], Tensor]:
        """What reads every row's pending token and gives the scores of the next (R, V).

        Only the active rows remember having done so.
        """
        if self._by == "compile":
            # With this option products of one row become sums that fuse with what stands around them.
            return torch.compile(
                self._logits,
                fullgraph=True,
                dynamic=False,
                options={"coordinate_descent_tuning": True} if self.n_rows == 1 else None,
            )
        if self._by == "triton":
            from nextword.decode.triton_step import TritonRows, TritonStep

            state = self._model, self._cache, self._pending
            return TritonStep(*state) if self.n_rows == 1 else TritonRows(*state, self._head)
        return self._logits

    def _logits(self) -> Tensor:
        x = self._model.trunk(self._pending.unsqueeze(1), self._cache)[:, 0]  # (R, C)
        if self._head is None:
            return self._model.head(x)
        return nn.functional.linear(x, self._head)[:, : self.config.n_vocab]

    def _refresh(self) -> None:
        """Bring up to date what is a copy of the model's weights: they may have learned."""
        if self._head is not None:
            self._head[: self.config.n_vocab] = self._model.wte.weight
        refresh = getattr(self._step, "refresh", None)
        if refresh is not None:
            refresh()

    def _writing(self, sampling: Sampling, reach: int) -> Callable[[], None]:
        """What writes one token on the active rows, as long as their texts are no longer than `reach`."""
        key = sampling, reach
        found = self._graphs.pop(key, None) or self._make_writing(sampling, reach)
        self._graphs[key] = found  # the last used stands last
        if len(self._graphs) > GRAPHS_KEPT:
            del self._graphs[next(iter(self._graphs))]
        return found

    def _make_writing(self, sampling: Sampling, reach: int) -> Callable[[], None]:
        choice = self._make_choice(sampling)

        def write_one() -> None:
            """Read what is pending, choose what follows, and leave that pending: what a graph holds."""
            self._cache.reach = reach
            choice(self._step())
            self._turn += 1

        return self._capture(write_one) if self._captures else write_one

    def _make_choice(self, sampling: Sampling) -> Callable[[Tensor], None]:
        """What chooses by the scores (R, V) and the numbers of this turn, keeps the ids, and leaves them pending."""
        if self._by == "triton":
            from nextword.decode.triton_step import TritonChoice, can_choose

            if can_choose(sampling):
                kernels = TritonChoice(sampling, self.config.n_vocab, self.n_rows, self._device)
                state = self._numbers, self._turn, self._cache.active, self._pending, self._chosen
                return lambda logits: kernels(logits, *state)

        def choice(logits: Tensor) -> None:
            chosen = choose(sampling, logits, self._numbers.index_select(0, self._turn).squeeze(0))  # (R,)
            self._pending.copy_(torch.where(self._cache.active, chosen, self._pending))
            known = torch.where(logits.amax(-1).isfinite(), chosen, NONE)  # what no number is chosen by has to be told
            self._chosen.index_copy_(0, self._turn, known.unsqueeze(0))

        return choice

    def _capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Run once what is to be captured, with no row active, so that it leaves no trace; then capture it."""
        active, turn = self._cache.active.clone(), self._turn.clone()
        self._cache.active.zero_()
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
        self._cache.active.copy_(active)
        self._turn.copy_(turn)

        def replay() -> None:
            graph.replay()
            work  # noqa: B018  (what the graph reads and writes must live as long as it does)

        return replay

    def _activate(self, rows: list[int]) -> None:
        """Let these rows be at work, and no others."""
        active = torch.zeros(self.n_rows, dtype=torch.bool)
        active[rows] = True
        self._cache.active.copy_(active)

    def _reach(self, length: int) -> int:
        """How far attention has to look in a text of this length: further at few lengths only, a graph for each.

        Where each of them has to be compiled they are fewer. Triton's attention
        looks at each row's own length, which it reads on the device.
        """
        if self._by == "triton":
            return self.config.n_ctx
        reach = -(-length // REACH) * REACH
        if self._by == "compile":
            reach = REACH << (reach // REACH - 1).bit_length()
        return min(reach, self.config.n_ctx)


def padded_head(weight: Tensor) -> Tensor:
    """Zeros with the place for weight (V, C), and rows added until their number suits the tensor cores."""
    V, C = weight.shape
    return torch.zeros(-(-V // VOCAB_MULTIPLE) * VOCAB_MULTIPLE, C, dtype=weight.dtype, device=weight.device)
