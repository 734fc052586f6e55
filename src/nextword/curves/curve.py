"""A run's losses from step to step, and their circumstances."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import NamedTuple


class Point(NamedTuple):
    """What was measured after so many updates, in nats a token. None: not measured; NaN: measured, and no number."""

    step: int
    train: float | None = None
    val: float | None = None


@dataclass(frozen=True)
class Circumstances:
    """What is known of a run besides its losses. None: not known.

    n_vocab: tokens that the model chooses among. tokens_per_step: read for one update. train_tokens: in the text to
    learn from. bytes_per_token: of that text, in UTF-8. frequencies: the entropy of that text's tokens, each by
    itself, in nats: the loss of a model that knows how frequent each token is, and nothing else. warmup: updates
    over which the learning rate rises. fine_tuned: began with trained weights. own_score: by how much a token's
    score for itself stands out at first, in nats, where the recipe has drawn its embeddings wide.
    """

    n_params: int | None = None
    n_vocab: int | None = None
    tokens_per_step: int | None = None
    train_tokens: int | None = None
    bytes_per_token: float | None = None
    frequencies: float | None = None
    warmup: int = 0
    fine_tuned: bool = False
    own_score: float = 0.0


@dataclass(frozen=True)
class Curve:
    """A run's losses in the order of their steps, and their circumstances."""

    name: str
    points: tuple[Point, ...]
    circumstances: Circumstances = field(default_factory=Circumstances)

    @property
    def step(self) -> int:
        """The number of updates made."""
        return self.points[-1].step if self.points else 0

    @property
    def tokens(self) -> int | None:
        """The number of tokens read, with those that were read again."""
        per_step = self.circumstances.tokens_per_step
        return None if per_step is None else self.step * per_step

    @property
    def passes(self) -> float | None:
        """How often the training text was read."""
        whole = self.circumstances.train_tokens
        return self.tokens / whole if self.tokens is not None and whole else None

    @cached_property
    def train(self) -> tuple[tuple[int, float], ...]:
        """The training losses that are numbers: (step, nats)."""
        return finite((point.step, point.train) for point in self.points)

    @cached_property
    def val(self) -> tuple[tuple[int, float], ...]:
        """The validation losses that are numbers: (step, nats)."""
        return finite((point.step, point.val) for point in self.points)

    @property
    def best_val(self) -> float | None:
        """The lowest validation loss."""
        return min((loss for _, loss in self.val), default=None)

    @property
    def not_finite(self) -> int | None:
        """The first step with a loss of NaN or infinity; None if there is none."""
        for point in self.points:
            if any(loss is not None and not math.isfinite(loss) for loss in (point.train, point.val)):
                return point.step
        return None

    def train_now(self, share: float = 0.1) -> float | None:
        """Average the training loss over the last share of the steps: a single batch says little."""
        since = self.step * (1.0 - share)
        last = [loss for step, loss in self.train if step >= since] or [loss for _, loss in self.train[-1:]]
        return fmean(last) if last else None

    def bits_per_byte(self, loss: float | None) -> float | None:
        """Turn nats a token into bits a byte of the text, which tokenizers do not change."""
        per_token = self.circumstances.bytes_per_token
        return loss / math.log(2.0) / per_token if loss is not None and per_token else None

    @cached_property
    def start(self) -> float | None:
        """The loss before the first update, or at it: the validation text's, or the first batch's."""
        early = [point for point in self.points if point.step <= 1]
        losses = [loss for point in early for loss in (point.val, point.train)]
        return next((loss for loss in losses if loss is not None and math.isfinite(loss)), None)

    @property
    def unseen(self) -> float | None:
        """The loss on unread text: of validation, else of training, the same in a first pass."""
        if self.val and self.val[-1][0] >= 0.5 * self.step:
            return self.val[-1][1]
        now = self.train_now()
        return now if now is not None else self.val[-1][1] if self.val else None

    @cached_property
    def lowest_average(self) -> float | None:
        """The lowest mean over a twentieth of the training losses, so that a lucky batch is none."""
        losses = [loss for _, loss in self.train]
        width = max(3, len(losses) // 20)
        means = [fmean(losses[at : at + width]) for at in range(0, len(losses) - width + 1, max(1, width // 2))]
        return min(means, default=None)

    def falls_by(self) -> float:
        """Compute how far the loss fell within the last half of the run; infinity for too few points."""
        losses = self.val if len(self.val) >= 4 else self.train
        later = [loss for step, loss in losses if step >= 0.5 * self.step]
        half = len(later) // 2
        return fmean(later[:half]) - fmean(later[half:]) if half else math.inf


def finite(pairs: Iterable[tuple[int, float | None]]) -> tuple[tuple[int, float], ...]:
    """Keep what was measured and is a number."""
    return tuple((step, loss) for step, loss in pairs if loss is not None and math.isfinite(loss))
