"""Generations, a text each, which the scheduler runs side by side, and their events."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nextword.decode import Sampling
from nextword.decode.checks import check_finite
from nextword.decode.sampler import Draw, Sampler, draw
from nextword.serve.detokenizer import Detokenizer, Piece
from nextword.serve.logprobs import Logprobs, logprobs_of
from nextword.tokenizer import StreamDecoder


@dataclass(frozen=True)
class PromptRead:
    """The prompt's log-probabilities, where they were asked for: one for each token but the first."""

    logprobs: list[Logprobs]


@dataclass(frozen=True)
class Failed:
    """The end of a generation where something went wrong in the scheduler."""

    message: str


Event = PromptRead | Piece | Failed
Deliver = Callable[[list[tuple["Generation", Event]]], object]
"""Called in the scheduler's thread with what happened, in order."""


@dataclass(eq=False)
class Generation:
    """One text to be generated: its prompt, its settings and its state.

    deliver: called with every event; the generations of one request share it. ends: the ids that end the text, none
    of which is drawn before min_tokens are written. silent: ids that stand for no characters where they do not end it.
    n_logprobs: of how many of the likeliest tokens log-probabilities are wanted beside each token's own; None for
    none. with_prompt_logprobs: whether those of the prompt are wanted, too. offset, after, decoder: see `Detokenizer`.
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
    with_prompt_logprobs: bool = False
    offset: int = 0
    after: Sequence[int] = ()
    decoder: StreamDecoder | None = None
    is_cancelled: bool = field(default=False, init=False)
    sampler: Sampler = field(init=False)
    detokenizer: Detokenizer = field(init=False)
    n_written: int = field(default=0, init=False)
    prompt_logprobs: list[Logprobs] = field(default_factory=list, init=False)
    is_prefilled: bool = field(default=False, init=False)
    last_token: float = field(default_factory=time.monotonic, init=False)  # when it came; at first, when this was made

    def __post_init__(self) -> None:
        self.sampler = Sampler(self.sampling, self.ids)
        self.detokenizer = Detokenizer(self.stop, self.offset, self.after, self.decoder)

    def prefill(self, logits: NDArray[np.float32]) -> bool:
        """Take the logits (n, V) after the prompt's next n tokens; True at its end.

        Raises NotFiniteError.
        """
        if not self.with_prompt_logprobs:
            return True
        check_finite(logits)
        done = len(self.prompt_logprobs)
        following = self.ids[done + 1 : done + 1 + len(logits)]  # what does follow; after the last one nothing yet
        self.prompt_logprobs += [
            logprobs_of(id, row, self.n_logprobs or 0) for row, id in zip(logits, following, strict=False)
        ]
        return len(following) < len(logits)

    def decode(self, logits: NDArray[np.float32], draw: Draw = draw) -> tuple[int, Piece]:
        """Choose the next token by its logits (V,) -> its id, and the piece of text.

        draw: see `Sampler.choose`. Raises NotFiniteError.
        """
        forbidden = self.ends if self.n_written < self.min_tokens else ()
        id = self.sampler.choose(logits, self.rng.random(), forbidden, draw)
        self.n_written += 1
        logprobs = None if self.n_logprobs is None else logprobs_of(id, logits, self.n_logprobs)
        if id in self.ends:
            return id, self.detokenizer.end(id, logprobs)
        is_last, may_stop = self.n_written == self.max_tokens, self.n_written > self.min_tokens
        return id, self.detokenizer.add(id, logprobs, is_last, may_stop, is_silent=id in self.silent)
