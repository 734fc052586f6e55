"""Jobs for the scheduler, a text each, and what it tells of them."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nextword.decode import Sampling
from nextword.decode.checks import check_finite
from nextword.decode.sampler import Sampler
from nextword.serve.logprobs import Logprobs, logprobs_of
from nextword.serve.text import GrowingText, Piece


@dataclass(frozen=True)
class PromptRead:
    """A prompt's log-probabilities, for a job that asked for them: one for each token but the first."""

    prompt_logprobs: list[Logprobs]


@dataclass(frozen=True)
class Failed:
    """The job's end where something went wrong in the scheduler."""

    message: str


Event = PromptRead | Piece | Failed
Deliver = Callable[[list[tuple["Job", Event]]], object]
"""Called in the scheduler's thread with what happened, in order."""


@dataclass(eq=False)
class Job:
    """A text to be written: its prompt, how to go on, and what is known of it by now.

    n_logprobs: of how many of the likeliest tokens log-probabilities are wanted
    beside each token's own; None for none. scored: whether those of the prompt
    are wanted, too. offset: characters of the text that stand before what is
    written. after: the ids whose unfinished character is part of it, as in
    `GrowingText`. deliver: told of every event; jobs of one request share it.
    ends: the ids that end it, none of which is drawn before min_tokens are
    written. silent: those that are no characters of it where
    they do not.
    """

    ids: Sequence[int]
    max_tokens: int
    sampling: Sampling
    rng: np.random.Generator
    deliver: Deliver
    ends: Collection[int]
    silent: Collection[int] = ()
    stop: Sequence[str] = ()
    min_tokens: int = 0
    n_logprobs: int | None = None
    scored: bool = False
    offset: int = 0
    after: Sequence[int] = ()
    is_cancelled: bool = field(default=False, init=False)
    sampler: Sampler = field(init=False)
    text: GrowingText = field(init=False)
    n_written: int = field(default=0, init=False)
    prompt_logprobs: list[Logprobs] = field(default_factory=list, init=False)
    has_read: bool = field(default=False, init=False)
    last_token: float = field(default_factory=time.monotonic, init=False)  # when it came; at first, when the job came

    def __post_init__(self) -> None:
        self.sampler = Sampler(self.sampling, self.ids)
        self.text = GrowingText(self.stop, self.offset, self.after)

    def read_on(self, scores: NDArray[np.float32]) -> bool:
        """Take the scores (n, V) of what follows some more of the prompt; is it read to its end?

        Raises NotFiniteError.
        """
        if not self.scored:
            return True
        check_finite(scores)
        done = len(self.prompt_logprobs)
        following = self.ids[done + 1 : done + 1 + len(scores)]  # what does follow; after the last one nothing yet
        self.prompt_logprobs += [
            logprobs_of(id, row, self.n_logprobs or 0) for row, id in zip(scores, following, strict=False)
        ]
        return len(following) < len(scores)

    def write(self, logits: NDArray[np.float32]) -> tuple[int, Piece]:
        """Choose the next token by its scores (V,) -> its id, and the piece of text that it completes.

        Raises NotFiniteError.
        """
        id = self.sampler.choose(logits, self.rng.random(), self.ends if self.n_written < self.min_tokens else ())
        self.n_written += 1
        known = None if self.n_logprobs is None else logprobs_of(id, logits, self.n_logprobs)
        if id in self.ends:
            return id, self.text.end(id, known)
        is_last, may_stop = self.n_written == self.max_tokens, self.n_written > self.min_tokens
        return id, self.text.add(id, known, is_last, may_stop, is_silent=id in self.silent)
