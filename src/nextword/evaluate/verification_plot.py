"""The picture of a verification: how far each layer is from an independent one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nextword.evaluate.verification import ROUNDING
from nextword.runtime import replacing


def plot_differences(by_reference: Mapping[str, Sequence[tuple[str, float, float]]], picture: Path) -> None:
    """Plot each layer's largest and mean difference, as shares of its largest number, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    least = 1e-17  # what is equal to the last bit is shown here
    for number, (name, layers) in enumerate(by_reference.items()):
        places = range(len(layers))
        colour = f"C{number}"
        axes.plot(places, [max(least, one[1]) for one in layers], "o-", ms=4, color=colour, label=f"{name}: largest")
        axes.plot(places, [max(least, one[2]) for one in layers], ".:", color=colour, label="mean")
        axes.set_xticks(list(places), [one[0] for one in layers], rotation=60, ha="right", fontsize=8)
    axes.axhline(ROUNDING, color="0.4", lw=1, ls="--")
    axes.annotate("more than this is no rounding", (0, ROUNDING), (0, 4), textcoords="offset points", fontsize=8)
    axes.set(yscale="log", ylabel="difference, as a share of the layer's largest number")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    with replacing(picture) as file:
        FigureCanvasAgg(figure).print_png(str(file))
