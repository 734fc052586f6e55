"""`nextword train`: from a text to a model of your own."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from nextword.cli.arguments import parse
from nextword.train import TrainConfig


@dataclass(frozen=True)
class Arguments:
    """Train a GPT-2 on your own text, from random weights or (--init) from trained ones.

    Ctrl-C saves and stops; --resume goes on to the very same result.
    """

    config: TrainConfig = field(default_factory=TrainConfig)

    resume: bool = False
    """Go on with the run in --out, from its newest checkpoint and with its own settings."""

    overwrite: bool = False
    """Begin anew in --out, deleting the run that is there."""


def run(arguments: list[str]) -> int:
    """Train, or go on training."""
    args = parse(Arguments, "train", arguments)
    if args.resume and args.overwrite:
        raise ValueError("--resume goes on with a run and --overwrite deletes it: use one of them.")
    if args.resume:
        args = parse(Arguments, "train", arguments, default=Arguments(recorded_config(args.config)))

    from nextword.cli.display import Display
    from nextword.cli.training import show
    from nextword.runtime import keep_freed_memory
    from nextword.train import Trainer

    keep_freed_memory()
    return show(Trainer(args.config, resume=args.resume, overwrite=args.overwrite), Display())


def recorded_config(given: TrainConfig) -> TrainConfig:
    """The settings that the run in `out` was begun with, so that resuming needs none of them again."""
    from nextword.data import read_corpus
    from nextword.train.job import run_path
    from nextword.train.run_directory import description

    path = Path(given.out) if given.out is not None else run_path(given, read_corpus(given.data))
    recorded = description(path)["config"]
    return replace(TrainConfig(**{**recorded, "data": tuple(recorded["data"])}), out=str(path))
