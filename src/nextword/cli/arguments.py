"""How the verbs read their flags: one call, so that all of them look and fail alike."""

from typing import TypeVar

import tyro

T = TypeVar("T")

CONFIG = (
    tyro.conf.FlagCreatePairsOff,  # --resume, without a --no-resume
    tyro.conf.OmitArgPrefixes,  # --lr, not --config.lr
    tyro.conf.DisallowNone,  # --lr FLOAT, not --lr {None}|FLOAT
)


def parse(settings: type[T], verb: str, arguments: list[str], default: T | None = None) -> T:
    """Read a verb's flags into its dataclass, whose docstrings are the help. Exits with 2 where they are wrong."""
    options = {"default": default} if default is not None else {}
    return tyro.cli(settings, prog=f"nextword {verb}", args=arguments, config=CONFIG, **options)
