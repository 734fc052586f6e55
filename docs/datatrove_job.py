"""The encoding of a text as a job of datatrove, which runs parts side by side here, or on a Slurm cluster.

    python -m docs.datatrove_job my_texts/ --out tokens --parts 8 --workers 2

Each task is `nextword data prepare --part K/8`; when all are done, one more is `--merge 8`. datatrove notes which
tasks are complete, so the same command goes on after a failure. For Slurm, SlurmPipelineExecutor takes the place of
LocalPipelineExecutor, with its partition and time.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from nextword.cli.main import run


def main() -> None:
    """Run the job on this machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="texts, as for `nextword data prepare`; its other flags may follow --")
    parser.add_argument("--out", required=True)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    args, flags = parser.parse_known_args()
    prepare([*args.data, "--out", args.out, *flags], Path(f"{args.out}.job"), args.parts, args.workers)


def prepare(arguments: list[str], logs: Path, parts: int, workers: int) -> None:
    """Encode all parts in so many processes at a time, then merge them. logs: where datatrove keeps its notes."""
    from datatrove.executor import LocalPipelineExecutor

    encoding = LocalPipelineExecutor(
        [partial(encode, arguments)], tasks=parts, workers=workers, logging_dir=str(logs / "parts")
    )
    merging = LocalPipelineExecutor(
        [partial(merge, arguments, parts)], logging_dir=str(logs / "merge"), depends=encoding
    )
    merging.run()


def encode(arguments: list[str], data: Any = None, rank: int = 0, world_size: int = 1) -> None:
    """Encode one part: datatrove's task `rank` of `world_size`."""
    checked([*arguments, "--part", f"{rank + 1}/{world_size}"])


def merge(arguments: list[str], parts: int, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
    """Make shards of the parts."""
    checked([*arguments, "--merge", str(parts)])


def checked(arguments: list[str]) -> None:
    """Run `nextword data prepare`, and let the task fail where it does."""
    if status := run(["data", "prepare", *arguments]):
        raise RuntimeError(f"nextword data prepare ended with {status}, and said why above.")


if __name__ == "__main__":
    main()
