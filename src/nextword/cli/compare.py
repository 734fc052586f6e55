"""`nextword compare`: is this loss normal?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from nextword.cli.arguments import parse

if TYPE_CHECKING:
    from nextword.curves import Curve, Verdict


@dataclass(frozen=True)
class Arguments:
    """Set training runs side by side, and say of each whether its loss is normal.

    A run of nextword's brings along what is known of it. Of another program's log (nanoGPT, llm.c, llama2.c,
    modded-nanogpt), what it does not tell can be said by the options. Exits with 0 where all are normal, else with 1.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Directories of runs, or files with what another program printed."""

    plot: str | None = None
    """Draw the curves, each before its band, into this file (PNG)."""

    vocab_size: int | None = None
    """Tokens that the model chooses among, where a log does not tell; so it is with the next four."""

    tokens_per_step: int | None = None
    """Tokens read for one update: windows times their length times accumulation."""

    train_tokens: int | None = None
    """Tokens in the training text, to know how often it was read."""

    bytes_per_token: float | None = None
    """Bytes of text a token, for bits a byte: about 4.5 for English in GPT-2's tokens, 1 for characters."""

    params: int | None = None
    """Parameters of the model."""


def run(arguments: list[str]) -> int:
    """Read, judge and print all of them."""
    args = parse(Arguments, "compare", arguments)
    if not args.runs:
        raise ValueError("There is nothing to compare: name a run's directory, or a file with a training's output.")

    from nextword.curves import judge, read_curve

    curves = named_apart([(path, supplied(read_curve(Path(path).expanduser()), args)) for path in args.runs])
    verdicts = [judge(curve) for curve in curves]
    print("\n".join(table(curves, verdicts)))
    for curve, verdict in zip(curves, verdicts, strict=True):
        print(f"\n{curve.name}: {verdict}")
    if args.plot is not None:
        from nextword.curves.plot import plot_curves

        plot_curves(curves, Path(args.plot).expanduser())
    return 0 if all(verdict.is_normal for verdict in verdicts) else 1


def supplied(curve: "Curve", args: Arguments) -> "Curve":
    """Add the options' values to a run's own."""
    said: dict[str, Any] = {
        "n_vocab": args.vocab_size,
        "tokens_per_step": args.tokens_per_step,
        "train_tokens": args.train_tokens,
        "bytes_per_token": args.bytes_per_token,
        "n_params": args.params,
    }
    given = {name: value for name, value in said.items() if value is not None}
    return replace(curve, circumstances=replace(curve.circumstances, **given))


def named_apart(read: Sequence[tuple[str, "Curve"]]) -> list["Curve"]:
    """Name the curves that have one name with others by their paths."""
    names = [curve.name for _, curve in read]
    return [replace(curve, name=path) if names.count(curve.name) > 1 else curve for path, curve in read]


HEADINGS = ("run", "parameters", "updates", "tokens", "passes", "training", "best validation", "bits a byte", "verdict")


def table(curves: Sequence["Curve"], verdicts: Sequence["Verdict"]) -> list[str]:
    """Lay out the runs in lines, one each, below their headings; what is not known is a dash."""
    rows = [HEADINGS, *(row(curve, verdict) for curve, verdict in zip(curves, verdicts, strict=True))]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADINGS))]
    return ["  ".join(aligned(cells, widths)).rstrip() for cells in rows]


def aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Pad numbers on the left, names and verdicts on the right."""
    ends = (0, len(cells) - 1)
    return [
        cell.ljust(width) if column in ends else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]


def row(curve: "Curve", verdict: "Verdict") -> tuple[str, ...]:
    """Write one run's numbers."""
    best = curve.best_val
    return (
        curve.name,
        in_short(curve.circumstances.n_params),
        f"{curve.step:,}",
        in_short(curve.tokens),
        "-" if curve.passes is None else f"{curve.passes:.2g}",
        in_nats(curve.train_now()),
        in_nats(best),
        in_nats(curve.bits_per_byte(best)),
        verdict.kind,
    )


def in_nats(loss: float | None) -> str:
    """Write a loss with two digits after the point."""
    return "-" if loss is None else f"{loss:.2f}"


def in_short(count: int | None) -> str:
    """Write a count in three digits: 124M, 9.83B, 812."""
    if count is None:
        return "-"
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * limit:
            return f"{count / limit:.3g}{letter}"
    return str(count)
