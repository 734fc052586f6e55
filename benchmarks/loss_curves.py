"""Does training in bfloat16 learn what float32 learns? The same run in both, step by step.

    python benchmarks/loss_curves.py my.txt --steps 300 --picture loss_curves.png

Three runs: float32, bfloat16 from the same seed, and float32 from another seed, which shows by how much two
equally good runs differ. Draws the first two, and prints the mean absolute differences of their losses.
"""

import argparse
import tempfile
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nextword.runtime import keep_freed_memory
from nextword.train import TrainConfig, Trainer
from nextword.train.events import Stepped

SMOOTH = 10  # steps, in the numbers of the last line: which batch came last matters less then


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="file to learn from, or story or shakespeare")
    parser.add_argument("--model", default="gpt2")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("loss_curves.png"))
    args = parser.parse_args()
    keep_freed_memory()

    config = TrainConfig(
        data=(args.text,),
        model=args.model,
        steps=args.steps,
        batch_size=args.batch_size,
        window=args.window,
        dropout=0.0,
        eval_every=args.steps,
        sample_every=args.steps,
    )
    exact = losses(config, "float32", args.seed)
    fast = losses(config, "bfloat16", args.seed)
    other = losses(config, "float32", args.seed + 1)
    draw(args.picture, {"float32": exact, "bfloat16, same seed": fast})
    print(
        f"{args.model}, {args.steps} steps of {args.batch_size * args.window} tokens: mean absolute difference of the "
        f"loss {difference(exact, fast):.4f} between float32 and bfloat16, {difference(exact, other):.4f} between two "
        f"seeds; mean of the last {SMOOTH} losses {mean(exact[-SMOOTH:]):.3f} in float32, "
        f"{mean(fast[-SMOOTH:]):.3f} in bfloat16, {mean(other[-SMOOTH:]):.3f} with the other seed. {args.picture}"
    )


def losses(config: TrainConfig, dtype: str, seed: int) -> list[float]:
    """The training loss of every step of a run that leaves nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {**vars(config), "dtype": dtype, "seed": seed, "out": folder}
        found = []
        for event in Trainer(TrainConfig(**settings)).run():
            if isinstance(event, Stepped):
                found.append(event.train_loss)
                if event.step % 20 == 0:
                    print(f"{dtype}, seed {seed}, step {event.step}: {event.train_loss:.3f}", flush=True)
                if event.step == config.steps:
                    break  # what would follow is a sample and a checkpoint
        return found


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def difference(a: list[float], b: list[float]) -> float:
    """The mean absolute difference, step by step."""
    return mean([abs(x - y) for x, y in zip(a, b, strict=True)])


def draw(picture: Path, curves: dict[str, list[float]]) -> None:
    """The curves in one PNG, and below them by how much they differ."""
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    for (name, curve), color, style in zip(curves.items(), ("#1f77b4", "#d62728"), ("-", "--"), strict=True):
        above.plot(range(1, len(curve) + 1), curve, color=color, ls=style, lw=1.4, label=name)
    exact, fast = curves.values()
    below.axhline(0, color="0.6", lw=1, ls=":")
    below.plot(range(1, len(exact) + 1), [y - x for x, y in zip(exact, fast, strict=True)], color="#d62728", lw=1)
    above.set(ylabel="loss (nats per token)", ylim=(0, None), xlim=(0, None))
    below.set(xlabel="step", ylabel="difference")
    for axes in (above, below):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    above.legend(frameon=False)
    FigureCanvasAgg(figure).print_png(str(picture))


if __name__ == "__main__":
    main()
