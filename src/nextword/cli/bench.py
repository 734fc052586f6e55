"""`nextword bench`: nextword's speed on this machine, and the machine's limits."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nextword.cli.arguments import parse

if TYPE_CHECKING:
    from rich.console import Console

    from nextword.bench.figures import Findings


@dataclass(frozen=True)
class Arguments:
    """Measure this machine, and nextword on it: writing, reading and training.

    Takes a minute or two. Other programs disturb it: close what you can.
    """

    model: str | None = None
    """A GPT-2 directory or run. Default: 124M random weights, which are as fast as trained ones."""

    out: str | None = None
    """A directory for the same as Markdown, JSON and a bar chart. Default: none is written."""

    threads: int | None = None
    """How many threads to use. Default: one for each physical core."""

    engine: Literal["native", "torch", "plain"] | None = None
    """What writes: native is C for a CPU, torch is PyTorch, plain is the code of the README's tour, to read along
    with. Default: native where it can be had, else torch."""

    quick: bool = False
    """A first impression: one short round of everything, without cold starts and large batches."""


def run(arguments: list[str]) -> int:
    """Measure, and show what was found."""
    args = parse(Arguments, "bench", arguments)

    from rich.console import Console

    from nextword.bench.benchmark import NEXTWORD, benchmark
    from nextword.bench.weights import random_weights
    from nextword.bench.workload import QUICK, USUAL
    from nextword.decode.engines import check_engine

    if args.engine is not None:
        check_engine(args.engine, on_cpu=True)
    if args.threads is not None and args.threads < 1:
        raise ValueError(f"--threads must be at least 1, not {args.threads}.")
    workload = QUICK if args.quick else USUAL
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="nextword-bench-") as scratch:
        with console.status("the weights") as status:
            model = args.model or random_weights(Path(scratch) / "model")
            program = f"{NEXTWORD}{(args.engine or '').title()}"
            findings = benchmark(workload, model, Path(scratch), status.update, (program,), threads=args.threads)
        show(findings, console)
    if args.out is not None:
        from nextword.bench.report import save

        paths = save(findings, Path(args.out))
        console.print(f"Written: {', '.join(map(str, paths))}", soft_wrap=True)
    return 0


def show(findings: "Findings", console: "Console") -> None:
    """Print the tables."""
    from rich.table import Table

    from nextword.bench.report import by_work, figure_in_words, rate_in_words, share_in_words

    console.print(f"{findings.machine}\n")
    rates = Table("the machine", "", box=None, pad_edge=False)
    for name in findings.rates:
        rates.add_row(name, rate_in_words(name, findings.rate(name)))
    console.print(rates, "")
    table = Table("nextword", "precision", "", "of the limit", box=None, pad_edge=False)
    for work, rows in by_work(findings.rows).items():
        for row in rows:
            figure = f"{figure_in_words(row)} {row.unit}"
            table.add_row(work, row.precision, figure, share_in_words(row))
            work = ""
    console.print(table, "")
    for name, reason in findings.absent.items():
        console.print(f"Not measured: {name}: {reason}", soft_wrap=True)
