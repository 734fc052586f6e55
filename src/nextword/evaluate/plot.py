"""The picture of a text's loss by how much of it was seen before."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nextword.runtime import replacing


def plot_by_position(curves: Mapping[str, Sequence[tuple[int, float]]], picture: Path) -> None:
    """Plot the loss by the number of tokens before, a line for each model, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        seen, losses = zip(*points, strict=True)
        axes.plot(seen, losses, marker="o", ms=4, label=name)
    axes.set(xlabel="tokens before it, at most", ylabel="loss (nats per token)", xscale="log")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with replacing(picture) as file:
        FigureCanvasAgg(figure).print_png(str(file))
