"""`nextword tune`: short trials before a long training, for its batch and its learning rate."""

import json
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.cli.arguments import parse
from nextword.cli.durations import duration
from nextword.commands import command
from nextword.errors import RunError, SettingError
from nextword.train import TrainConfig

if TYPE_CHECKING:
    from nextword.train.tuning import BatchRate, RateTrial

PLOT, MEASURED = "tune.png", "tune.json"
TRIALS = 6
"""About so many learning rates are tried."""

LEAST_STEPS, MOST_STEPS = 20, 400


@dataclass(frozen=True)
class Arguments(TrainConfig):
    """Find the batch that this machine holds, and a learning rate, by short trainings.

    The flags are those of `nextword train`; --steps is the length of a trial. Only a plot and the numbers are kept.
    """

    minutes: float = 5.0
    """How long it may take, about: longer trials tell more."""

    seeds: int = 1
    """Trials of each learning rate, from other first weights and in another order. Their spread says how sure it is."""

    def config(self) -> TrainConfig:
        """Return the settings of a training."""
        settings = {field.name: getattr(self, field.name) for field in fields(TrainConfig)}
        return TrainConfig(**settings | {"separator": self.separator.replace("\\n", "\n")})


def run(arguments: list[str]) -> int:
    """Measure, and say what to take. Ctrl-C says it of what was measured until then."""
    args = parse(Arguments, "tune", arguments)
    for name in ("minutes", "seeds"):
        if not 0 < getattr(args, name) < math.inf:
            raise SettingError(name, f"must be above 0, not {getattr(args, name)}.")

    from nextword.runtime import keep_freed_memory
    from nextword.train.setup import open_text, run_path

    keep_freed_memory()
    config = args.config()
    path = Path(args.out) if args.out is not None else run_path(config).with_name(f"{run_path(config).name}.tune")
    check_folder(path)
    text = open_text(config)
    rates: list[BatchRate] = []
    trials: list[RateTrial] = []
    try:
        measure_batches(config, text, rates)
        measure_rates(args, config, text, trials)
    except KeyboardInterrupt:
        print("\nStopped. Of what was measured:")
    if not trials:
        return 130
    conclude(args, arguments, path, rates, trials)
    return 0


def check_folder(path: Path) -> None:
    """Raise RunError where the folder holds something else."""
    if path.exists() and (not path.is_dir() or {file.name for file in path.iterdir()} - {PLOT, MEASURED}):
        raise RunError(f"{path} holds something else than what was tuned: choose another `out`.")


def measure_batches(config: TrainConfig, text: object, rates: "list[BatchRate]") -> None:
    """Measure the speed of batches, and print each."""
    from nextword.train.tuning import batch_rates, worthwhile

    print("Windows side by side, without a word on what they teach:")
    print(f"{'windows':>10}{'tokens/s':>12}{'memory, about':>16}")
    for rate in batch_rates(config, text):  # type: ignore[arg-type]
        rates.append(rate)
        speed = "no room" if rate.tokens_per_second is None else f"{rate.tokens_per_second:,.0f}"
        print(f"{rate.batch_size:>10}{speed:>12}{rate.memory / 1e9:>13.2f} GB", flush=True)
    largest = max((rate.batch_size for rate in rates if rate.tokens_per_second is not None), default=0)
    if (chosen := worthwhile(rates)) is None:
        print("Not even one window has room: take a smaller model, or a shorter --window.")
        return
    more = f"; the largest that was tried is {largest}" if largest > chosen.batch_size else ""
    print(
        f"From {chosen.batch_size} on more are hardly faster{more}. For larger batches than memory holds, --accumulate "
        "makes the same update of several.\n"
    )


def measure_rates(args: Arguments, config: TrainConfig, text: object, trials: "list[RateTrial]") -> None:
    """Try learning rates, and print each."""
    from dataclasses import replace

    from nextword.train.setup import prepare
    from nextword.train.tuning import speed, sweep, try_rate

    given = config.steps or config.tokens or config.epochs
    sized = config if given else replace(config, steps=LEAST_STEPS)
    setup = prepare(sized, text)  # type: ignore[arg-type]
    plan, rate = setup.plan, speed(setup)
    if not given:
        steps = 60.0 * args.minutes / (TRIALS * args.seeds) * rate / plan.tokens_per_step
        sized = replace(config, steps=int(min(MOST_STEPS, max(LEAST_STEPS, steps))))
        plan = replace(plan, steps=sized.steps or LEAST_STEPS)
    seconds = plan.steps * plan.tokens_per_step / rate
    print(
        f"Learning rates, each in {plan.steps} steps of {plan.batch_size} windows of {plan.window} tokens "
        f"(about {duration(seconds)}{f', {args.seeds} times' if args.seeds > 1 else ''}), {plan.optimizer}:"
    )
    print(f"{'lr':>10}{'seed':>6}{'validation loss':>18}{'took':>10}")
    seeds = range(config.seed, config.seed + args.seeds)
    began = time.monotonic()
    for trial in sweep(lambda lr, seed: try_rate(sized, text, lr, seed), plan.lr, seeds):  # type: ignore[arg-type]
        trials.append(trial)
        now = time.monotonic()
        loss = f"{trial.loss:.4f}" if math.isfinite(trial.loss) else "diverged"
        print(f"{trial.lr:>10.2e}{trial.seed:>6}{loss:>18}{duration(now - began):>10}", flush=True)
        began = now


def conclude(
    args: Arguments, arguments: list[str], path: Path, rates: "list[BatchRate]", trials: "list[RateTrial]"
) -> None:
    """Draw the plot, keep the numbers, and print the command to train with."""
    from nextword.train.tuning import best_rate, mean_losses
    from nextword.train.tuning_plot import plot_trials

    best = best_rate(trials)
    path.mkdir(parents=True, exist_ok=True)
    measured = {
        "batches": [asdict(rate) for rate in rates],
        "trials": [asdict(trial) | {"loss": trial.loss if math.isfinite(trial.loss) else None} for trial in trials],
        "lr": best,
    }
    (path / MEASURED).write_text(json.dumps(measured, indent=1) + "\n")
    plot_trials(trials, best, path / PLOT)
    if best is None:
        print(f"\nEvery learning rate diverged: is the text sound? {path / PLOT} shows them.")
        return
    losses = [loss for loss in mean_losses(trials).values() if math.isfinite(loss)]
    if args.seeds > 1:
        spreads = [max(s) - min(s) for lr in mean_losses(trials) if len(s := of_rate(trials, lr)) > 1]
        rates_differ = max(losses) - min(losses)
        print(f"\nSeeds differ by up to {max(spreads, default=0.0):.4f}, learning rates by {rates_differ:.4f}.")
    words = [*without(arguments, "--lr", "--minutes", "--seeds", "--out", "--steps"), "--lr", f"{best:.2g}"]
    print(
        f"\nLowest at a learning rate of {best:.2e} ({path / PLOT}). Short trainings like somewhat higher ones than\n"
        f"long ones do, so for a run of hours take this or up to a third less:\n  {command('train', *words)}"
    )


def of_rate(trials: "list[RateTrial]", lr: float) -> list[float]:
    """List the finite losses of a learning rate's trials."""
    return [trial.loss for trial in trials if trial.lr == lr and math.isfinite(trial.loss)]


def without(words: list[str], *flags: str) -> list[str]:
    """Leave out flags, each with its value."""
    kept, i = [], 0
    while i < len(words):
        if words[i] in flags:
            i += 2
            continue
        if not any(words[i].startswith(f"{flag}=") for flag in flags):
            kept.append(words[i])
        i += 1
    return kept
