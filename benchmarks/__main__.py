"""`python -m benchmarks`: nextword and other programs, measured in one run on the same weights."""

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from benchmarks.peers import TRAINERS, WRITERS
from nextword.bench.benchmark import NEXTWORD, NEXTWORD_TRAINING, benchmark
from nextword.bench.report import markdown, save
from nextword.bench.weights import random_weights
from nextword.bench.workload import QUICK, Workload
from nextword.cli.arguments import readable_width

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Arguments:
    """Measure nextword and other programs side by side. Leave the machine alone meanwhile: about half an hour."""

    model: str | None = None
    """A directory in Hugging Face's layout. Default: 124M random weights, the same ones each time."""

    out: str = "benchmarks/results"
    """Where benchmark.md, benchmark.json and benchmark.png are written."""

    scratch: str | None = None
    """Where the weights are kept in all programs' formats (3 GB) for the next time too. Default: nowhere."""

    repeats: int = 3
    """Rounds, in each of which all programs take turns."""

    threads: int | None = None
    """Threads for every program. Default: one for each physical core."""

    quick: bool = False
    """One short round of everything, to see that it works; no figures to show around."""

    small: bool = False
    """Train at B=2 T=256 only, not at B=8 T=1024 too."""

    only: tuple[str, ...] = ("writing", "starting", "training")
    """What to measure."""

    precisions: tuple[str, ...] = ("float32", "bfloat16", "int8", "int4")
    """Number formats to write in."""

    nanogpt: str | None = None
    """A checkout of nanoGPT, to train with that as well."""


def main() -> None:
    with readable_width():
        args = tyro.cli(Arguments, prog="python -m benchmarks", config=(tyro.conf.FlagCreatePairsOff,))
    workload = QUICK if args.quick else replace(Workload(), repeats=args.repeats)
    workload = replace(workload, precisions=args.precisions if "writing" in args.only else ())
    if args.small:
        workload = replace(workload, training=((2, 256),))
    environment = {"PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1"}
    trainers = [NEXTWORD_TRAINING, *TRAINERS]
    if args.nanogpt is not None:
        environment["NANOGPT"] = args.nanogpt
        trainers.append("benchmarks.peers.training:NanoGPT")
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as temporary:
        scratch = Path(args.scratch or temporary)
        model = args.model or random_weights(scratch / "weights")
        converted = scratch / fingerprint(Path(model))  # what other weights left there is not this model
        converted.mkdir(parents=True, exist_ok=True)
        findings = benchmark(
            workload if "starting" in args.only else replace(workload, cold_precisions=()),
            model,
            converted,
            say=lambda line: print(f"  {line}", flush=True),
            writers=[NEXTWORD, *WRITERS] if {"writing", "starting"} & set(args.only) else (),
            trainers=trainers if "training" in args.only else (),
            threads=args.threads,
            environment=environment,
        )
    print(markdown(findings))
    for path in save(findings, Path(args.out)):
        print(os.path.relpath(path))


def fingerprint(model: Path) -> str:
    """A name for a model's weights."""
    with (model / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


if __name__ == "__main__":
    main()
