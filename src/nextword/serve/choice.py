"""How a request wants its tokens chosen, and how likely they were."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.decode import Sampling
from nextword.native import library


@dataclass(frozen=True)
class Wishes:
    """What a request may change of the choice of a token, beside its `Sampling`.

    min_p: only tokens at least min_p times as likely as the likeliest may be
    drawn. presence_penalty is taken from the logit of every token that was
    written already, frequency_penalty as many times as it was. logit_bias is
    added to the logits of its tokens.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024), for
    min_p; OpenAI's API reference for the rest.
    """

    sampling: Sampling = field(default_factory=lambda: Sampling(1.0, None))
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)


class Chooser:
    """Chooses the tokens of one text, which depend on its wishes, its random numbers and the logits only."""

    def __init__(self, wishes: Wishes, rng: np.random.Generator):
        self._wishes, self._rng = wishes, rng
        self._written = Counter[int]()

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The next token, by logits (V,), which stay as they are."""
        id = pick(self._wished(logits), self._wishes.sampling, self._rng.random())
        self._written[id] += 1
        return id

    def _wished(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        wishes = self._wishes
        penalised = bool(self._written) and (wishes.presence_penalty != 0 or wishes.frequency_penalty != 0)
        if not (penalised or wishes.logit_bias or wishes.min_p):
            return logits
        logits = logits.copy()
        for id, bias in wishes.logit_bias.items():
            logits[id] += bias
        if penalised:
            for id, count in self._written.items():
                logits[id] -= wishes.presence_penalty + count * wishes.frequency_penalty
        if wishes.min_p:
            logits[logits < logits.max() + wishes.sampling.temperature * math.log(wishes.min_p)] = -np.inf
        return logits


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
