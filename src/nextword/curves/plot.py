"""The picture of loss curves, each before the band of what is to be expected."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nextword.curves.curve import Circumstances, Curve
from nextword.curves.expected import band_edges
from nextword.runtime import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def plot_curves(curves: Sequence[Curve], picture: Path) -> None:
    """Plot the runs' losses as a PNG: training thin, validation thick, over updates in logarithmic steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        draw_band(axes, curve.circumstances, curve.step, colour)
        for points, width in ((curve.train, 0.8), (curve.val, 2.0)):
            if points:
                steps, losses = zip(*((max(1, step), loss) for step, loss in points), strict=True)
                axes.plot(
                    steps, losses, color=colour, lw=width, label=curve.name if width > 1 or not curve.val else None
                )
    axes.set(xlabel="update", ylabel="loss (nats per token)", xscale="log", ylim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with replacing(picture) as file:
        FigureCanvasAgg(figure).print_png(str(file))


def draw_band(axes: "Axes", circumstances: Circumstances, last: int, colour: str) -> None:
    """Shade the band up to the last update, if there is one."""
    edges = band_edges(circumstances, last)
    if edges:
        steps, low, high = zip(*edges, strict=True)
        axes.fill_between([max(1, step) for step in steps], low, high, color=colour, alpha=0.1, lw=0)
