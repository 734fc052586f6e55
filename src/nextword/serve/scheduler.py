"""Continuous batching: texts join and leave the running batch between two tokens.

The scheduler's thread is the only one that touches the engine. Others submit
generations to it; it hands back events, all of a step at once, by a callback
that each generation brings along.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.decode import Engine
from nextword.decode.checks import check_text
from nextword.errors import NotFiniteError
from nextword.serve.detokenizer import Piece
from nextword.serve.generation import Deliver, Event, Failed, Generation, PromptRead
from nextword.serve.logprobs import Logprobs
from nextword.serve.metrics import Metrics

PROMPT_TOKENS = (
    128  # of prompts that are read in one step, times steps_per_call, while others wait for their next tokens
)

log = logging.getLogger("nextword.serve")


class QueueFullError(Exception):
    """The queue holds as many texts as may wait."""


class ClosedError(Exception):
    """The scheduler takes no more texts."""


class Scheduler:
    """Runs generations side by side on an engine's rows, in a thread of its own.

    max_waiting: how many generations may wait for a row. Whoever closes it gets the
    thread back: `close(drain=True)` writes everything to its end first.
    """

    def __init__(self, engine: Engine, max_waiting: int = 1024, metrics: Metrics | None = None):
        self.config, self.n_rows, self.max_waiting = engine.config, engine.n_rows, max_waiting
        self.metrics = metrics or Metrics()
        self._engine = engine
        self._lock = threading.Condition()
        self._waiting: deque[Generation] = deque()
        self._at: dict[int, Generation] = {}  # row -> the generation that is written there
        self._newer: Engine | None = None  # to write with from the next free moment on
        self._is_closed = False
        self._drains = False
        self._thread = threading.Thread(target=self._run, name="nextword-scheduler", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the scheduler runs."""
        return self._thread.is_alive() and not self._is_closed

    @property
    def running(self) -> int:
        """Count the texts that are being written."""
        return len(self._at)

    @property
    def waiting(self) -> int:
        """Count the texts that wait for a row."""
        return len(self._waiting)

    def submit(self, generations: Sequence[Generation]) -> None:
        """Queue all of these generations or, raising QueueFullError or ClosedError, none of them.

        Raises ValueError for ids that the model cannot read.
        """
        for generation in generations:
            check_text(generation.ids, self.config)
        with self._lock:
            if self._is_closed:
                raise ClosedError("The server is about to stop.")
            free = self.n_rows - len(self._at)
            if len(self._waiting) + len(generations) > self.max_waiting + free:
                raise QueueFullError(f"{len(self._waiting)} texts are waiting already.")
            self._waiting.extend(generations)
            self._lock.notify()

    def cancel(self, generations: Iterable[Generation]) -> None:
        """Cancel these generations; their rows are free after the step that is under way."""
        with self._lock:
            for generation in generations:
                generation.is_cancelled = True
            self._lock.notify()

    def replace(self, engine: Engine) -> None:
        """Replace the engine as soon as the running texts are finished; the waiting ones wait.

        Raises ValueError for one of another shape, or with another number of rows.
        """
        if (engine.config, engine.n_rows) != (self.config, self.n_rows):
            raise ValueError(f"The new weights are another model's: {engine.config}, where {self.config} is served.")
        with self._lock:
            self._newer = engine
            self._lock.notify()

    def close(self, drain: bool = False, timeout: float | None = None) -> None:
        """Take no more generations, and end: with `drain` after all, else after this step.

        Those that are given up get `Failed`.
        """
        with self._lock:
            self._is_closed = True
            self._drains = drain
            self._lock.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while self._admit():
                events: list[tuple[Generation, Event]] = []
                try:
                    self._step(events)
                except Exception as error:
                    log.exception("A step of the engine failed; the texts that were being written are given up.")
                    failed = Failed(f"{type(error).__name__}: {error}")
                    events += [(generation, failed) for generation in self._at.values()]
                    with self._lock:
                        self._at.clear()
                self._hand_out(events)
        finally:
            with self._lock:
                self._is_closed = True
                left = [one for one in (*self._at.values(), *self._waiting) if not one.is_cancelled]
                self._at.clear()
                self._waiting.clear()
            self._hand_out([(one, Failed("The server stopped before the text was written.")) for one in left])

    def _admit(self) -> bool:
        """Drop cancelled generations, start waiting ones, and wait if there are none; False at the end."""
        with self._lock:
            while not self._is_closed or self._drains:
                self._at = {row: generation for row, generation in self._at.items() if not generation.is_cancelled}
                self._waiting = deque(generation for generation in self._waiting if not generation.is_cancelled)
                if self._newer is not None and not self._at:
                    self._engine, self._newer = self._newer, None
                free = [row for row in range(self.n_rows) if row not in self._at and self._newer is None]
                for row in free[: len(self._waiting)]:
                    generation = self._waiting.popleft()
                    self._engine.read(row, generation.ids)
                    self._at[row] = generation
                    self.metrics.read(len(generation.ids))
                if self._at:
                    return True
                if self._is_closed:
                    return False
                self._lock.wait()
            return False

    def _step(self, events: list[tuple[Generation, Event]]) -> None:
        """Make one forward pass: decode a token of every text, and prefill some more."""
        writing = [row for row, generation in self._at.items() if generation.is_prefilled]
        followers = self._readers()
        at_most = len(writing) + PROMPT_TOKENS * self._engine.steps_per_call * (1 if writing else 2)
        scored = [row for row in followers if self._at[row].with_prompt_logprobs]
        found = self._engine.advance(writing + list(followers), at_most, scored)
        ready: list[tuple[int, NDArray[np.float32]]] = []  # row, and the scores of its next token
        for row, scores in found.items():
            generation = self._at[row]
            if not generation.is_prefilled:
                try:
                    if not generation.prefill(scores):
                        continue
                except NotFiniteError as error:
                    self._give_up([row, *followers[row]], error, events)
                    continue
                self._engine.copy(row, followers[row])
                for other in (row, *followers[row]):
                    self._end_prefill(self._at[other], generation.prompt_logprobs, events)
                    ready.append((other, scores[-1]))
            else:
                ready.append((row, scores[-1]))
        rows, ids = [], []
        for row, logits in ready:
            generation = self._at[row]
            try:
                id = self._decode(generation, logits, events) if not generation.is_cancelled else None
            except NotFiniteError as error:
                self._give_up([row], error, events)
                continue
            if id is None:
                with self._lock:
                    del self._at[row]
            else:
                rows.append(row)
                ids.append(id)
        self._engine.append(rows, ids)

    def _readers(self) -> dict[int, list[int]]:
        """Find the rows that prefill, the first first, each with others of the same prompt.

        Several texts after one prompt need it to be read only once.
        """
        first: dict[tuple[object, ...], int] = {}
        followers: dict[int, list[int]] = {}
        for row, generation in self._at.items():
            if not generation.is_prefilled:
                key = tuple(generation.ids), generation.with_prompt_logprobs, generation.n_logprobs
                leader = first.setdefault(key, row)
                followers.setdefault(leader, []).extend([row] if row != leader else [])
        return followers

    def _end_prefill(
        self, generation: Generation, prompt_logprobs: list[Logprobs], events: list[tuple[Generation, Event]]
    ) -> None:
        """Begin to decode, and hand out the prompt's log-probabilities where they were asked for."""
        generation.is_prefilled = True
        if generation.with_prompt_logprobs:
            events.append((generation, PromptRead(prompt_logprobs)))

    def _decode(
        self, generation: Generation, logits: NDArray[np.float32], events: list[tuple[Generation, Event]]
    ) -> int | None:
        """Choose the next token; None if the text is over."""
        if generation.max_tokens == 0:
            events.append((generation, Piece("", [], "length")))
            return None
        id, piece = generation.decode(logits, self._engine.draw)
        now = time.monotonic()
        self.metrics.wrote(now - generation.last_token, generation.n_written == 1)
        generation.last_token = now
        events.append((generation, piece))
        return None if piece.finish_reason else id

    def _give_up(self, rows: Sequence[int], error: NotFiniteError, events: list[tuple[Generation, Event]]) -> None:
        """End the texts on these rows, and no others."""
        log.error("%s", error)
        with self._lock:
            events += [(self._at.pop(row), Failed(str(error))) for row in rows]

    def _hand_out(self, events: list[tuple[Generation, Event]]) -> None:
        """Call each callback once, with all events that concern it."""
        by_deliverer: dict[Deliver, list[tuple[Generation, Event]]] = {}
        for generation, event in events:
            by_deliverer.setdefault(generation.deliver, []).append((generation, event))
        for deliver, its_events in by_deliverer.items():
            try:
                deliver(its_events)
            except Exception as error:
                if not isinstance(error, RuntimeError):  # that is an event loop which is closed: nobody is listening
                    log.exception("Someone who waits for texts could not be told of them; they are given up.")
                for generation, _ in its_events:
                    generation.is_cancelled = True
