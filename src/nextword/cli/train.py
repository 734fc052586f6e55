"""`nextword train`: from a text to a model of your own."""

import os
import sys
from dataclasses import dataclass, fields

from nextword.cli.arguments import parse, values
from nextword.train import TrainConfig
from nextword.train.config import LENGTHS


@dataclass(frozen=True)
class Arguments(TrainConfig):
    """Train a GPT-2 on your own text, from random weights or (--init) from trained ones.

    Ctrl-C saves and stops; --resume goes on to the very same result. --data may be given several times.
    """

    resume: bool = False
    """Go on with the run in --out, from its newest checkpoint and with its own settings.
    A longer --epochs, --steps or --tokens prolongs it."""

    overwrite: bool = False
    """Begin anew in --out, deleting the run that is there."""

    track: str | None = None
    """Send the curves to a tracker, too: tensorboard, wandb or trackio, if it is installed."""

    nproc: int | None = None
    """Processes on this machine that share each batch: one for each GPU, say. Several machines: torchrun."""

    def config(self) -> TrainConfig:
        """Return the run's own settings, with line breaks where a shell has \n."""
        settings = {field.name: getattr(self, field.name) for field in fields(TrainConfig)}
        return TrainConfig(**settings | {"separator": self.separator.replace("\\n", "\n")})


def run(arguments: list[str]) -> int:
    """Train, or go on training."""
    args = parse(Arguments, "train", arguments)
    if args.resume and args.overwrite:
        raise ValueError("--resume goes on with a run and --overwrite deletes it: use one of them.")
    if args.track is not None:
        from nextword.cli.tracking import check_tracker

        check_tracker(args.track)
    if args.nproc is not None and "RANK" not in os.environ:
        from nextword.cli.launch import launch

        return launch(args.nproc, arguments)
    if args.resume and os.environ.get("RANK", "0") == "0":  # the others are told, and need no run on their machine
        # What is not given now is as it was when the run began.
        args = parse(Arguments, "train", arguments, default=recorded_arguments(args))

    from rich.console import Console

    from nextword.cli.display import Display
    from nextword.cli.training import show
    from nextword.runtime import keep_freed_memory
    from nextword.train import Trainer
    from nextword.train.following_ranks import FollowingRank
    from nextword.train.ranks import joined

    if not args.shard:  # which frees a block's weights again and again
        keep_freed_memory()
    with joined(args.device) as ranks:
        if not ranks.leads:
            return show(FollowingRank(ranks), Display(Console(quiet=True)))
        resume, overwrite = after_restart(args)
        trainer = Trainer(args.config(), resume=resume, overwrite=overwrite, tell=tell, ranks=ranks)
        return show(trainer, Display(), args.track)


def after_restart(args: Arguments) -> tuple[bool, bool]:
    """Choose resume and overwrite: as asked, or to go on with a job that was begun again."""
    from nextword.train.checkpoint import checkpoints
    from nextword.train.ranks import UNNAMED, job, restarts
    from nextword.train.run_directory import description
    from nextword.train.setup import run_path

    path = run_path(args)
    again = restarts() > 0 or (job() not in (None, UNNAMED) and not (args.resume or args.overwrite))
    if not again or not (path / "run.json").exists() or description(path).get("job") != job():
        return args.resume, args.overwrite
    has_saved = bool(checkpoints(path / "checkpoints"))
    return has_saved, not has_saved


def tell(said: str) -> None:
    """Say on standard error what takes long before training begins."""
    print(said, file=sys.stderr, flush=True)


def recorded_arguments(given: Arguments) -> Arguments:
    """Read the settings that the run in `out` was begun with."""
    from nextword.train.recorded_run import recorded_config
    from nextword.train.setup import run_path

    recorded = values(recorded_config(run_path(given)))
    if any(getattr(given, name) is not None for name in LENGTHS):  # then the one that is given counts
        recorded |= dict.fromkeys(LENGTHS)
    return Arguments(**recorded)
