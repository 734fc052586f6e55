"""The plan of a run: its settings, worked out for a model and a text."""

import math
from dataclasses import dataclass

from nextword.config import GPTConfig
from nextword.errors import SettingError
from nextword.train.config import TrainConfig
from nextword.train.recipe import OPTIMIZERS, choose
from nextword.train.schedule import SCHEDULES


@dataclass(frozen=True)
class Prolongation:
    """A run was given more steps, after so many updates.

    steps_before: how many it had until then. fall: the last share of those
    that were left, over which the rate falls; 1 where run.json is older.
    """

    at_step: int
    steps_before: int
    fall: float = 1.0


@dataclass(frozen=True)
class Plan:
    """A run's settings in steps, worked out for a model and a text.

    steps: updates in all. The other lengths are in steps too; save_every is
    None where the clock decides. embedding_std is None where the weights are
    given or a user's own class draws them. For it see `Recipe`, for schedule,
    lr_floor and lr_fall `Schedule`; why: what the recipe was chosen for, in words.
    """

    window: int
    stride: int
    batch_size: int
    accumulate: int
    dropout: float
    embedding_std: float | None
    steps: int
    lr: float
    schedule: str
    lr_floor: float
    lr_fall: float
    warmup: int
    eval_every: int
    sample_every: int
    save_every: int | None
    why: str
    optimizer: str = "adamw"
    prolonged: tuple[Prolongation, ...] = ()

    @property
    def tokens_per_step(self) -> int:
        """Tokens read for one update."""
        return self.window * self.batch_size * self.accumulate


def plan(config: TrainConfig, model: GPTConfig, n_tokens: int, n_ranks: int = 1) -> Plan:
    """Work out the settings that are left open, for a model and a number of training tokens.

    n_ranks: the processes that share each update's windows evenly. Raises SettingError where they cannot.
    """
    chosen = choose(n_tokens, model, fine_tuning=config.init is not None, recipe=config.recipe)
    whole_and_ours = not config.shard and config.user_model is None
    optimizer = config.optimizer or (chosen.optimizer if whole_and_ours else "adamw")
    schedule = config.schedule or chosen.schedule
    window = config.window or chosen.window
    stride = config.stride or window
    batch_size = config.batch_size or even_batch(chosen.batch_size, config.accumulate, n_ranks)
    if batch_size * config.accumulate % n_ranks:
        fits = even_batch(batch_size, config.accumulate, n_ranks)
        raise SettingError(
            "batch_size",
            f"{batch_size} windows, accumulated {config.accumulate} times, cannot be shared evenly by {n_ranks} "
            f"processes: use `batch_size={fits}`, or another number of processes.",
        )
    if config.steps is not None:
        steps = config.steps
    elif config.tokens is not None:
        steps = math.ceil(config.tokens / (window * batch_size * config.accumulate))
    else:
        n_windows = math.ceil(max(0, n_tokens - 1 - window) / stride) + 1
        steps = math.ceil((config.epochs or chosen.passes) * n_windows / (batch_size * config.accumulate))
    eval_every = config.eval_every or min(500, math.ceil(steps / 10))
    given = config.init is not None or config.user_model is not None
    return Plan(
        window=window,
        stride=stride,
        batch_size=batch_size,
        accumulate=config.accumulate,
        dropout=chosen.dropout if config.dropout is None else config.dropout,
        embedding_std=None if given else config.embedding_std or chosen.embedding_std,
        steps=steps,
        lr=config.lr or chosen.lr * OPTIMIZERS[optimizer],
        schedule=schedule,
        lr_floor=SCHEDULES[schedule].floor if config.lr_floor is None else config.lr_floor,
        lr_fall=config.lr_fall or SCHEDULES[schedule].fall,
        warmup=config.warmup if config.warmup is not None else min(200, math.ceil(chosen.warmup * steps)),
        eval_every=eval_every,
        sample_every=config.sample_every or eval_every,
        save_every=config.save_every,
        why=chosen.why,
        optimizer=optimizer,
    )


def even_batch(batch_size: int, accumulate: int, n_ranks: int) -> int:
    """Raise a batch size until the windows of an update can be shared evenly."""
    least = n_ranks // math.gcd(accumulate, n_ranks)
    return math.ceil(batch_size / least) * least
