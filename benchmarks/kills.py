"""Does a run survive kills? One rank or another is killed at random moments, and torchrun starts all again.

    python -m benchmarks.kills --times 20

Then the run is held against one that nobody disturbed: each step must be there once, with the same loss to the last
bit.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = (
    "--data story --tokenizer bytes --n-layer 2 --n-head 2 --n-embd 64 --n-ctx 64 --window 64 --batch-size 4 "
    "--eval-every 100 --sample-every 1000000 --save-every 10 --dropout 0.1 --dtype float32 --device cpu --steps"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flags", default="", help="more flags of nextword train, such as --shard")
    args = parser.parse_args()
    flags = [*SETTINGS.split(), str(args.steps), *args.flags.split()]
    with tempfile.TemporaryDirectory() as folder:
        disturbed, quiet = Path(folder) / "disturbed", Path(folder) / "quiet"
        print(f"killed {kill_again_and_again(flags, disturbed, args)} times", flush=True)
        launch(flags, quiet, args.processes, 0).wait()
        found, expected = read(disturbed), read(quiet)
    steps = [line["step"] for line in found]
    assert steps == list(range(args.steps + 1)), "steps are missing, or there twice"
    different = [line["step"] for line, other in zip(found, expected, strict=True) if line != other]
    print(f"{len(steps) - 1} steps, each there once; {len(different)} with another loss than undisturbed")
    sys.exit(bool(different))


def launch(flags: list[str], out: Path, processes: int, restarts: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["--max-restarts", str(restarts), "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["-m", "nextword", "train", *flags, "--out", str(out)]
    with out.with_suffix(".log").open("ab") as log:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def kill_again_and_again(flags: list[str], out: Path, args: argparse.Namespace) -> int:
    """Kill a rank at a random moment, also while all are starting, until the run is done. -> how often."""
    draw, killed = random.Random(args.seed), 0
    launcher = launch(flags, out, args.processes, 10 * args.times)
    began = time.monotonic()
    while launcher.poll() is None and killed < args.times:
        time.sleep(draw.uniform(0.5, 12.0))
        ranks = children(launcher.pid)
        if len(ranks) == args.processes:
            os.kill(draw.choice(ranks), signal.SIGKILL)
            killed += 1
            step = len(read(out)) - 1
            print(f"{time.monotonic() - began:6.1f} s: killed one of {len(ranks)} ranks, step {step}", flush=True)
    assert launcher.wait() == 0, out.with_suffix(".log").read_text()[-2000:]
    return killed


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in found]


def read(out: Path) -> list[dict[str, float]]:
    """Read a run's log, without what the clock decides."""
    file = out / "log.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")] if file.exists() else []
    return [{name: value for name, value in line.items() if name != "tok_per_s"} for line in lines]


if __name__ == "__main__":
    main()
