"""The picture of a sweep: validation loss by learning rate."""

import math
from pathlib import Path

from nextword.runtime import replacing
from nextword.train.tuning import RateTrial, mean_losses


def plot_trials(trials: list[RateTrial], best: float | None, picture: Path) -> None:
    """Plot a sweep as a PNG: each trial, the mean of seeds, and the rate that was chosen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    finite = [(trial.lr, trial.loss) for trial in trials if math.isfinite(trial.loss)]
    means = sorted((lr, loss) for lr, loss in mean_losses(trials).items() if math.isfinite(loss))
    if finite:
        axes.plot(*zip(*means, strict=True), color="#1f77b4", lw=1.4)
        axes.plot(*zip(*finite, strict=True), ls="", marker="o", ms=5, color="#1f77b4", label="trials")
    for lr in sorted({trial.lr for trial in trials if math.isinf(trial.loss)}):
        axes.axvline(lr, color="#d62728", lw=1, ls=":")
        axes.annotate("diverged", (lr, 0.98), xycoords=("data", "axes fraction"), rotation=90, va="top", ha="right")
    if best is not None:
        axes.axvline(best, color="0.4", lw=1, ls="--", label=f"{best:.2e}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="validation loss (nats per token)")
    axes.set_xticks([trial.lr for trial in trials], [f"{trial.lr:.1e}" for trial in trials], rotation=45, fontsize=8)
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if finite:
        axes.legend(frameon=False)
    with replacing(picture) as file:
        FigureCanvasAgg(figure).print_png(str(file))
