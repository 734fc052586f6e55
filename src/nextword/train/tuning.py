"""Tuning by trials: how many windows are read fastest side by side, and which learning rate goes lowest."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import mean, median

from nextword.data import Corpus, OpenedCorpus
from nextword.data.sharded_corpus import ShardedCorpus
from nextword.errors import TrainingError
from nextword.evaluate import evaluate
from nextword.runtime import available_memory
from nextword.train.checkpoint import TrainerState
from nextword.train.chosen_optimizer import chosen_optimizer
from nextword.train.config import TrainConfig
from nextword.train.health import LossWatch
from nextword.train.memory import TrainingSize, ran_out, training_memory
from nextword.train.setup import Setup, prepare
from nextword.train.steps import Steps

Text = Corpus | OpenedCorpus | ShardedCorpus

VALIDATED = 32_768
"""Tokens that a trial is validated on, at most."""

MEASURED_STEPS = 3
ENOUGH = 1.05
"""A larger batch has to be faster by this factor, or it is not worth its memory."""

MOST_BATCH = 1024
EDGE = 8
"""How often a sweep goes on beyond its edge: to 256 times the rate that it began with, or a 256th."""


@dataclass(frozen=True)
class BatchRate:
    """The speed of so many windows side by side.

    tokens_per_second is None where there is no room. memory: the bytes, by estimate.
    """

    batch_size: int
    tokens_per_second: float | None
    memory: int


@dataclass(frozen=True)
class RateTrial:
    """A short training: its validation loss, infinite where it diverged."""

    lr: float
    seed: int
    loss: float


def batch_rates(config: TrainConfig, text: Text) -> Iterator[BatchRate]:
    """Measure the speed of training with 1, 2, 4, ... windows, until memory or the gain ends."""
    best, without_gain = 0.0, 0
    batch_size = 1
    while batch_size <= MOST_BATCH and without_gain < 2:
        short = replace(config, batch_size=batch_size, steps=1 + MEASURED_STEPS, epochs=None, tokens=None)
        setup = prepare(short, text)
        size = TrainingSize(
            setup.model.config,
            batch_size,
            setup.plan.window,
            setup.dtype,
            setup.device,
            setup.plan.accumulate,
            recompute=config.recompute,
            optimizer=setup.plan.optimizer,
        )
        memory, free = training_memory(size), available_memory(setup.device)
        if free is not None and memory > free:
            yield BatchRate(batch_size, None, memory)
            return
        try:
            rate = speed(setup)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            yield BatchRate(batch_size, None, memory)
            return
        yield BatchRate(batch_size, rate, memory)
        without_gain = 0 if rate > ENOUGH * best else without_gain + 1
        best, batch_size = max(best, rate), 2 * batch_size


def speed(setup: Setup) -> float:
    """Measure tokens a second: the median of a few steps, after one that sets things up."""
    steps, seconds = steps_of(setup), []
    for _ in range(1 + MEASURED_STEPS):
        began = time.perf_counter()
        steps.launch()
        steps.read()
        seconds.append(time.perf_counter() - began)
    return setup.plan.tokens_per_step / median(seconds[1:])


def worthwhile(rates: list[BatchRate]) -> BatchRate | None:
    """Choose the smallest batch that is nearly as fast as the fastest."""
    measured = [(rate.tokens_per_second, rate) for rate in rates if rate.tokens_per_second is not None]
    fastest = max((speed for speed, _ in measured), default=0.0)
    return next((rate for speed, rate in measured if ENOUGH * speed >= fastest), None)


def try_rate(config: TrainConfig, text: Text, lr: float, seed: int) -> float:
    """Train for the length in the settings, and validate; infinity where the loss diverges."""
    setup = prepare(replace(config, lr=lr, seed=seed), text)
    steps, watch, first = steps_of(setup), LossWatch(), None
    try:
        while steps.go_on:
            steps.launch()
            loss = steps.read().train_loss
            first = loss if first is None else first
            if watch.warning(loss, first):
                return math.inf
        plan = setup.plan
        return evaluate(setup.model, setup.val_ids[:VALIDATED], plan.window, plan.batch_size, setup.dtype)
    except (TrainingError, ArithmeticError):  # the loss is no number any more
        return math.inf


def steps_of(setup: Setup) -> Steps:
    """Make the steps of a run that leaves nothing behind."""
    return Steps(setup, chosen_optimizer(setup.model, setup.config, setup.plan), TrainerState())


def sweep(attempt: Callable[[float, int], float], start: float, seeds: range) -> Iterator[RateTrial]:
    """Try learning rates by factors of 2 around the first, then of its root around the best.

    attempt: (rate, seed) -> loss. As long as the best is at the edge, the sweep goes on beyond it.
    """
    losses: dict[float, float] = {}

    def tried(lr: float) -> Iterator[RateTrial]:
        found = []
        for seed in seeds:
            loss = attempt(lr, seed)
            found.append(loss)
            yield RateTrial(lr, seed, loss)
            if math.isinf(loss):
                break
        losses[lr] = mean(found)

    for factor in (1.0, 2.0, 0.5):
        yield from tried(start * factor)
    for _ in range(EDGE):
        best = min(losses, key=lambda lr: losses[lr])
        if math.isinf(losses[best]) or best == min(losses):
            yield from tried(min(losses) / 2.0)
        elif best == max(losses):
            yield from tried(max(losses) * 2.0)
        else:
            break
    best = min(losses, key=lambda lr: losses[lr])
    for factor in (math.sqrt(2.0), math.sqrt(0.5)):
        yield from tried(best * factor)


def best_rate(trials: list[RateTrial]) -> float | None:
    """Choose the learning rate at the lowest point of a parabola through the best and its neighbours.

    It is over the rate's logarithm, and never beyond the neighbours; None where every rate diverged.
    """
    losses = mean_losses(trials)
    rates = [lr for lr in sorted(losses) if math.isfinite(losses[lr])]
    if not rates:
        return None
    i = min(range(len(rates)), key=lambda i: losses[rates[i]])
    if i in (0, len(rates) - 1):
        return rates[i]
    (x0, y0), (x1, y1), (x2, y2) = ((math.log(lr), losses[lr]) for lr in rates[i - 1 : i + 2])
    left, right = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)  # slopes: the first falls, the second rises
    if right <= left:
        return rates[i]
    middle = (x0 + x1) / 2 - left * ((x2 - x0) / 2) / (right - left)
    return math.exp(min(x2, max(x0, middle)))


def mean_losses(trials: list[RateTrial]) -> dict[float, float]:
    """Average the seeds: learning rate -> loss."""
    rates = {trial.lr: None for trial in trials}
    return {lr: mean(trial.loss for trial in trials if trial.lr == lr) for lr in rates}
