"""How a request wants its tokens chosen, and how likely they were."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.decode import Sampling
from nextword.errors import NotFiniteError
from nextword.native import library


@dataclass(frozen=True)
class Wishes:
    """What a request may change of the choice of a token, beside its `Sampling`.

    min_p: only tokens at least min_p times as likely as the likeliest may be
    drawn. presence_penalty is taken from the logit of every token that was
    written already, frequency_penalty as many times as it was.
    repetition_penalty divides the logit, or multiplies it where it is below 0,
    of every token that was written or stands in the prompt. logit_bias is
    added to the logits of its tokens. allowed: the only tokens that may be
    drawn; None for all. min_tokens: none of `ends` may be drawn before so many
    tokens are written. What is added and forbidden comes before the penalties.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024), for
    min_p; Keskar et al., "CTRL" (2019), section 4.1, for repetition_penalty;
    OpenAI's API reference and vLLM's `SamplingParams` for the rest.
    """

    sampling: Sampling = field(default_factory=lambda: Sampling(1.0, None))
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    allowed: Collection[int] | None = None
    min_tokens: int = 0
    ends: Collection[int] = ()


class Chooser:
    """Chooses the tokens of one text, which depend on its prompt, its wishes, its random numbers and the logits only.

    Raises `NotFiniteError` for logits that are not numbers.
    """

    def __init__(self, wishes: Wishes, rng: np.random.Generator, prompt: Sequence[int] = ()):
        self._wishes, self._rng = wishes, rng
        self._written = Counter[int]()
        self._seen = set(prompt) if wishes.repetition_penalty != 1 else set()

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The next token, by logits (V,), which stay as they are."""
        check_finite(logits)
        id = pick(self._wished(logits), self._wishes.sampling, self._rng.random())
        self._written[id] += 1
        return id

    def _wished(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        wishes = self._wishes
        penalised = bool(self._written) and (wishes.presence_penalty != 0 or wishes.frequency_penalty != 0)
        repeats = wishes.repetition_penalty != 1
        goes_on = self._written.total() < wishes.min_tokens
        if not (penalised or repeats or goes_on or wishes.logit_bias or wishes.min_p or wishes.allowed is not None):
            return logits
        logits = logits.copy()
        for id, bias in wishes.logit_bias.items():
            logits[id] += bias
        if wishes.allowed is not None:
            forbidden = np.ones(len(logits), bool)
            forbidden[list(wishes.allowed)] = False
            logits[forbidden] = -np.inf
        if goes_on:
            logits[list(wishes.ends)] = -np.inf
        if repeats:
            seen = list(self._seen.union(self._written))
            scores, by = logits[seen], np.float32(wishes.repetition_penalty)
            logits[seen] = np.where(scores < 0, scores * by, scores / by)
        if penalised:
            for id, count in self._written.items():
                logits[id] -= wishes.presence_penalty + count * wishes.frequency_penalty
        if wishes.min_p:
            logits[logits < logits.max() + wishes.sampling.temperature * math.log(wishes.min_p)] = -np.inf
        return logits


def not_finite(has_nan: bool) -> NotFiniteError:
    """Say that no token can be chosen by what the model computes."""
    return NotFiniteError(
        f"the model computes {'NaN' if has_nan else 'infinity'} after this text, so nothing can be said of the "
        "next token. Its weights are damaged, or its numbers outgrow their type: serve an earlier checkpoint, "
        "or try --dtype float32."
    )


def check_finite(logits: NDArray[np.float32]) -> None:
    """Raise NotFiniteError for logits (..., V) among which is NaN or infinity."""
    if not np.isfinite(logits).all():
        raise not_finite(bool(np.isnan(logits).any()))


def pick(logits: NDArray[np.float32], sampling: Sampling, number: float) -> int:
    """Choose by logits (V,) and a number in [0, 1), in C if there is a compiler, else in PyTorch."""
    if library() is not None:
        from nextword.native import choose as choose_in_c

        logits = np.ascontiguousarray(logits)
        return choose_in_c(logits, sampling.temperature, sampling.top_k, sampling.top_p, number)
    import torch

    from nextword.decode.choose import choose

    numbers = torch.tensor([number], dtype=torch.float64)
    return int(choose(sampling, torch.from_numpy(np.array(logits))[None], numbers))


class Likelihood(NamedTuple):
    """How likely a token was, and which were likelier: natural logarithms of the model's own probabilities."""

    logprob: float
    top: list[tuple[int, float]]  # likeliest first; of equals the lower id first


def likelihood(logits: NDArray[np.float32], id: int, n_top: int) -> Likelihood:
    """The log-probability of a token, and the n_top likeliest, by logits (V,).

    Equal logits have equal log-probabilities, to the last bit: if the token is
    one of the likeliest, its logprob is that of `top[0]`.
    """
    highest = logits.max()
    total = float(highest) + math.log(np.exp(logits - highest).sum(dtype=np.float64))
    if n_top == 0:
        best: list[int] = []
    elif n_top == 1:
        best = [int(logits.argmax())]
    else:
        # argpartition says nothing of the order among equals, so all that equal the last of them take part.
        last = np.partition(logits, -n_top)[-n_top] if n_top < len(logits) else -np.inf
        among = np.flatnonzero(logits >= last)
        best = among[np.argsort(-logits[among], kind="stable")][:n_top].tolist()
    return Likelihood(float(logits[id]) - total, [(other, float(logits[other]) - total) for other in best])
