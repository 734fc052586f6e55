"""The picture of a run: its loss from step to step."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.curves import read_curve
from nextword.curves.plot import draw_band
from nextword.runtime import replacing

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg


def plot_loss(log: Path, picture: Path, n_vocab: int) -> None:
    """Plot a run's log.jsonl as a PNG, as `draw_loss` draws it."""
    canvas = draw_loss(log, n_vocab)
    with replacing(picture) as file:
        canvas.print_png(str(file))


def draw_loss(log: Path, n_vocab: int) -> "FigureCanvasAgg":
    """Draw a run's log.jsonl: training and validation loss, before the expected band."""
    # Only here, where it is used: matplotlib takes as long to import as all the rest.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    trained = [(line["step"], line["train_loss"]) for line in lines if line["train_loss"] is not None]
    validated = [(line["step"], line["val_loss"]) for line in lines if line["val_loss"] is not None]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    curve = read_curve(log)
    draw_band(axes, curve.circumstances, curve.step, "0.5")
    axes.axhline(math.log(n_vocab), color="0.6", lw=1, ls=":")
    axes.annotate(
        f"ln {n_vocab} = {math.log(n_vocab):.2f}: knowing nothing",
        (0.99, math.log(n_vocab)),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color="0.4",
        fontsize=9,
    )
    axes.plot(*zip(*trained, strict=True), color="#1f77b4", lw=1.2, label="training text")
    if validated:
        axes.plot(*zip(*validated, strict=True), color="#d62728", lw=1.6, marker="o", ms=4, label="validation text")
    axes.set(xlabel="step", ylabel="loss (nats per token)", xlim=(0, None), ylim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return FigureCanvasAgg(figure)
