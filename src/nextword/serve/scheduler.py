"""Continuous batching: texts join and leave the running batch between two tokens.

The scheduler's thread is the only one that touches the engine. Others hand it
jobs; it hands back events, all of a step at once, by a function that each job
brings along.
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
from nextword.serve.jobs import Deliver, Event, Failed, Job, PromptRead
from nextword.serve.logprobs import Logprobs
from nextword.serve.metrics import Metrics
from nextword.serve.text import Piece

PROMPT_TOKENS = 128  # of prompts that are read in one step, times the pace, while others wait for their next tokens

log = logging.getLogger("nextword.serve")


class QueueFullError(Exception):
    """There are as many texts waiting as may wait."""


class ClosedError(Exception):
    """The scheduler takes no more texts."""


class Scheduler:
    """Writes jobs on the rows of an engine, side by side, in a thread of its own.

    max_waiting: how many jobs may wait for a row. Whoever closes it gets the
    thread back: `close(drain=True)` writes everything to its end first.
    """

    def __init__(self, engine: Engine, max_waiting: int = 1024, metrics: Metrics | None = None):
        self.config, self.n_rows, self.max_waiting = engine.config, engine.n_rows, max_waiting
        self.metrics = metrics or Metrics()
        self._engine = engine
        self._lock = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._at: dict[int, Job] = {}  # row -> the job that is written there
        self._newer: Engine | None = None  # to write with from the next free moment on
        self._is_closed = False
        self._drains = False
        self._thread = threading.Thread(target=self._run, name="nextword-scheduler", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the scheduler is at work or ready for it."""
        return self._thread.is_alive() and not self._is_closed

    @property
    def running(self) -> int:
        """How many texts are being written."""
        return len(self._at)

    @property
    def waiting(self) -> int:
        """How many texts wait for a row."""
        return len(self._waiting)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take up all of these jobs or, raising QueueFullError or ClosedError, none of them.

        Raises ValueError for ids that the model cannot read.
        """
        for job in jobs:
            check_text(job.ids, self.config)
        with self._lock:
            if self._is_closed:
                raise ClosedError("The server is about to stop.")
            free = self.n_rows - len(self._at)
            if len(self._waiting) + len(jobs) > self.max_waiting + free:
                raise QueueFullError(f"{len(self._waiting)} texts are waiting already.")
            self._waiting.extend(jobs)
            self._lock.notify()

    def cancel(self, jobs: Iterable[Job]) -> None:
        """Write no more of these jobs; their rows are free after the step that is under way."""
        with self._lock:
            for job in jobs:
                job.is_cancelled = True
            self._lock.notify()

    def replace(self, engine: Engine) -> None:
        """Write with this engine from now on. What has begun is written to its end first, and what waits, waits.

        Raises ValueError for one of another shape, or with another number of rows.
        """
        if (engine.config, engine.n_rows) != (self.config, self.n_rows):
            raise ValueError(f"The new weights are another model's: {engine.config}, where {self.config} is served.")
        with self._lock:
            self._newer = engine
            self._lock.notify()

    def close(self, drain: bool = False, timeout: float | None = None) -> None:
        """Take no more jobs, and end: with `drain` after all that there are, else after the step under way.

        Jobs that are given up are told so.
        """
        with self._lock:
            self._is_closed = True
            self._drains = drain
            self._lock.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while self._admit():
                events: list[tuple[Job, Event]] = []
                try:
                    self._step(events)
                except Exception as error:
                    log.exception("A step of the engine failed; the texts that were being written are given up.")
                    events += [(job, Failed(f"{type(error).__name__}: {error}")) for job in self._at.values()]
                    with self._lock:
                        self._at.clear()
                self._hand_out(events)
        finally:
            with self._lock:
                self._is_closed = True
                left = [job for job in (*self._at.values(), *self._waiting) if not job.is_cancelled]
                self._at.clear()
                self._waiting.clear()
            self._hand_out([(job, Failed("The server stopped before the text was written.")) for job in left])

    def _admit(self) -> bool:
        """Let go of cancelled jobs, give free rows to waiting ones, and wait if there are none; False at the end."""
        with self._lock:
            while not self._is_closed or self._drains:
                self._at = {row: job for row, job in self._at.items() if not job.is_cancelled}
                self._waiting = deque(job for job in self._waiting if not job.is_cancelled)
                if self._newer is not None and not self._at:
                    self._engine, self._newer = self._newer, None
                free = [row for row in range(self.n_rows) if row not in self._at and self._newer is None]
                for row in free[: len(self._waiting)]:
                    job = self._waiting.popleft()
                    self._engine.read(row, job.ids)
                    self._at[row] = job
                    self.metrics.read(len(job.ids))
                if self._at:
                    return True
                if self._is_closed:
                    return False
                self._lock.wait()
            return False

    def _step(self, events: list[tuple[Job, Event]]) -> None:
        """One pass over the weights: a token for every text that is read, and some more of the prompts."""
        writing = [row for row, job in self._at.items() if job.has_read]
        followers = self._readers()
        at_most = len(writing) + PROMPT_TOKENS * self._engine.pace * (1 if writing else 2)
        scored = [row for row in followers if self._at[row].scored]
        found = self._engine.advance(writing + list(followers), at_most, scored)
        ready: list[tuple[int, NDArray[np.float32]]] = []  # row, and the scores of its next token
        for row, scores in found.items():
            job = self._at[row]
            if not job.has_read:
                try:
                    if not job.read_on(scores):
                        continue
                except NotFiniteError as error:
                    self._give_up([row, *followers[row]], error, events)
                    continue
                self._engine.copy(row, followers[row])
                for other in (row, *followers[row]):
                    self._finish_reading(self._at[other], job.prompt_logprobs, events)
                    ready.append((other, scores[-1]))
            else:
                ready.append((row, scores[-1]))
        rows, ids = [], []
        for row, logits in ready:
            job = self._at[row]
            try:
                id = self._write(job, logits, events) if not job.is_cancelled else None
            except NotFiniteError as error:
                self._give_up([row], error, events)
                continue
            if id is None:
                with self._lock:
                    del self._at[row]
            else:
                rows.append(row)
                ids.append(id)
        self._engine.put(rows, ids)

    def _readers(self) -> dict[int, list[int]]:
        """The rows that read a prompt, in the order in which they came, each with those that wait for the same one.

        Several texts after one prompt need it to be read only once.
        """
        first: dict[tuple[object, ...], int] = {}
        followers: dict[int, list[int]] = {}
        for row, job in self._at.items():
            if not job.has_read:
                leader = first.setdefault((tuple(job.ids), job.scored, job.n_logprobs), row)
                followers.setdefault(leader, []).extend([row] if row != leader else [])
        return followers

    def _finish_reading(self, job: Job, prompt_logprobs: list[Logprobs], events: list[tuple[Job, Event]]) -> None:
        """Begin to write, and tell what was found out about the prompt where somebody wants to know."""
        job.has_read = True
        if job.scored:
            events.append((job, PromptRead(prompt_logprobs)))

    def _write(self, job: Job, logits: NDArray[np.float32], events: list[tuple[Job, Event]]) -> int | None:
        """Choose the next token; None if the text is over."""
        if job.max_tokens == 0:
            events.append((job, Piece("", [], "length")))
            return None
        id, piece = job.write(logits)
        now = time.monotonic()
        self.metrics.wrote(now - job.last_token, job.n_written == 1)
        job.last_token = now
        events.append((job, piece))
        return None if piece.finish_reason else id

    def _give_up(self, rows: Sequence[int], error: NotFiniteError, events: list[tuple[Job, Event]]) -> None:
        """End the texts on these rows, and no others."""
        log.error("%s", error)
        with self._lock:
            events += [(self._at.pop(row), Failed(str(error))) for row in rows]

    def _hand_out(self, events: list[tuple[Job, Event]]) -> None:
        """Tell each deliverer of all that concerns it, in one call."""
        by_deliverer: dict[Deliver, list[tuple[Job, Event]]] = {}
        for job, event in events:
            by_deliverer.setdefault(job.deliver, []).append((job, event))
        for deliver, its_events in by_deliverer.items():
            try:
                deliver(its_events)
            except Exception as error:
                if not isinstance(error, RuntimeError):  # that is an event loop which is closed: nobody is listening
                    log.exception("Someone who waits for texts could not be told of them; they are given up.")
                for job, _ in its_events:
                    job.is_cancelled = True
