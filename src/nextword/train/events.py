"""Events of a training run, which `Trainer.run` yields."""

from dataclasses import dataclass
from pathlib import Path

from nextword.curves import Verdict
from nextword.train.plan import Plan


@dataclass(frozen=True)
class Started:
    """Training begins with the next step; `step` is above 0 where a run resumes.

    account: which files were read and which were not, in sentences, where `data_name` does not tell.
    statistics: of the text, in sentences.
    shape: the model's in words, where it is none of the named sizes.
    expected_seconds: what the rest of the run will take, about, by how fast this machine multiplies matrices.
    """

    directory: Path
    step: int
    plan: Plan
    data_name: str
    n_params: int
    n_vocab: int
    n_train_tokens: int
    n_val_tokens: int
    tokens_per_step: int
    dtype: str
    device: str
    expected_seconds: float
    account: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    shape: str = ""


@dataclass(frozen=True)
class Prolonged:
    """The resumed run got more steps; its learning rate goes from `lr` to `last_lr`.

    schedule: along which curve. fall: the last share of the steps that are left, over which it falls there.
    """

    step: int
    steps_before: int
    steps: int
    lr: float
    last_lr: float
    schedule: str
    fall: float


@dataclass(frozen=True)
class Stepped:
    """One update was made; the loss is the one before it, in nats a token.

    skipped: in float16 a gradient overflowed, so nothing was moved and grad_norm is NaN.
    """

    step: int
    tokens: int
    train_loss: float
    lr: float
    grad_norm: float
    tok_per_s: float
    seconds_left: float
    skipped: bool = False


@dataclass(frozen=True)
class Validated:
    """The loss on the whole validation text was measured."""

    step: int
    val_loss: float
    perplexity: float
    is_best: bool


@dataclass(frozen=True)
class Sampled:
    """The model wrote a sample after the prompt."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True)
class Saved:
    """A checkpoint is complete on the disk."""

    step: int
    path: Path


@dataclass(frozen=True)
class Compiling:
    """The model is being compiled, for about so many seconds, which saves `saves` seconds in all.

    saves is None where a run that was compiled before resumes.
    """

    step: int
    seconds: float
    saves: float | None


@dataclass(frozen=True)
class Warned:
    """Something is not as it should be, but training goes on."""

    step: int
    message: str


@dataclass(frozen=True)
class Judged:
    """The losses so far were held against those that are to be expected of such a run.

    verdict: see `nextword.curves`. It comes after a validation where something
    is wrong, once for each kind, and always at the end.
    """

    step: int
    verdict: Verdict


@dataclass(frozen=True)
class Finished:
    """The run has ended: all its steps are made, or it was stopped and can be resumed.

    best_step: after how many updates the validation loss was lowest.
    """

    step: int
    complete: bool
    directory: Path
    best_step: int | None


Event = Started | Prolonged | Stepped | Validated | Sampled | Saved | Compiling | Warned | Judged | Finished
