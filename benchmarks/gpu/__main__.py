"""How fast GPT-2 124M learns and writes on a GPU: nextword, transformers, and what the GPU itself would allow.

    python -m benchmarks.gpu            a few minutes on one GPU
    python -m benchmarks.gpu --quick    a tiny model and a few steps, on any device: does it run?

First the GPU is measured, then the numerics are checked, and only then anything is timed. A check that fails ends
the run with status 1, after the report is written. What cannot be measured is named with the reason. Weights are
random: they decide nothing about speed.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.gpu.device import measure_device
from benchmarks.gpu.numerics import check_numerics
from benchmarks.gpu.plan import FULL, QUICK
from benchmarks.gpu.run import Run, nothing_found_yet, say
from benchmarks.gpu.training import measure_peer_training, measure_training
from benchmarks.gpu.writing import measure_many, measure_peer_writing, measure_writing


def main() -> int:
    """Measure, and write gpu.md, gpu.json and gpu.png; the status is 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("benchmarks/results"),
        help="folder for gpu.md, gpu.json and gpu.png (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="a tiny model and a few steps, on any device")
    parser.add_argument("--no-peers", action="store_true", help="measure nextword alone")
    parser.add_argument(
        "--part", action="append", choices=["writing", "training", "peers"], help="only this; repeatable"
    )
    args = parser.parse_args()
    if not (args.quick or torch.cuda.is_available()):
        print("There is no GPU here that PyTorch can use: --quick tries the code on a CPU.", file=sys.stderr)
        return 2
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan = QUICK if args.quick else FULL
    run = Run(plan, device, args.out, nothing_found_yet(plan, device))
    say(f"{run.findings.machine}, {run.findings.versions}")
    measure_device(run)
    check_numerics(run)
    for part in args.part or ["writing", "training", *([] if args.no_peers else ["peers"])]:
        measure(run, part)
    for path in run.save():
        say(str(path))
    return 1 if run.failed else 0


def measure(run: Run, part: str) -> None:
    """Everything of the plan's that belongs to this part."""
    if part == "writing":
        for rows, by in run.plan.writing:
            measure_writing(run, rows, by)
        for rows, by in run.plan.many:
            measure_many(run, rows, by)
    elif part == "training":
        for batch_size, window, compiled in run.plan.training:
            measure_training(run, batch_size, window, compiled)
    elif part == "peers":
        for rows, cache in run.plan.peer_writing:
            measure_peer_writing(run, rows, cache)
        for batch_size, window, compiled in run.plan.peer_training:
            measure_peer_training(run, batch_size, window, compiled)


if __name__ == "__main__":
    sys.exit(main())
