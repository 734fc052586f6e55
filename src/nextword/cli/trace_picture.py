"""A prompt, seen from inside, as one picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nextword.lens.labelled import draw_map, printable, shortened
from nextword.lens.view import View

BARS = 60  # tokens whose surprise is drawn, at most
MAP = 32  # tokens along the map of one head, at most


def picture(seen: View, name: str) -> Figure:
    """Draw the surprisal, and below it the logit lens and one head's attention."""
    rows, columns = seen.lens.shape
    width = min(max(11.0, 0.72 * columns + 7.0), 22.0)
    figure = Figure(figsize=(width, 3.6 + max(3.8, 0.3 * rows)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(printable(f"{name}: {seen.summary}"), x=0.01, ha="left", fontsize=11)
    grid = figure.add_gridspec(
        2, 2, height_ratios=[2.6, max(3.8, 0.3 * rows)], width_ratios=[max(columns, 6) * 0.72, 5.0]
    )
    draw_surprise(figure.add_subplot(grid[0, :]), seen)
    left, right = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    draw_map(left, seen.lens, bar=False)
    draw_map(right, seen.attention_in(seen.window(MAP)))
    return figure


def draw_surprise(axes: Axes, seen: View) -> None:
    """Draw a bar for each token's surprisal, with the likeliest token on it."""
    window = seen.window(BARS)
    tokens = [seen.tokens[at] for at in window]
    bits = np.array([token.bits or 0.0 for token in tokens])
    places = range(len(tokens))
    axes.bar(places, bits, color="#d62728", width=0.8, alpha=0.85)
    for place, token in zip(places, tokens, strict=True):
        if token.instead and token.instead[0].text != token.text:
            axes.text(
                place,
                bits[place],
                f" {shortened(printable(token.instead[0].text.strip()))}",
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=6.5,
                color="0.4",
            )
    axes.set_xticks(places, [printable(token.text) for token in tokens], rotation=90, fontsize=7)
    axes.set_ylabel("bits", fontsize=8)
    axes.margins(x=0.01)
    axes.set_ylim(0, max(4.0, 1.35 * bits.max()))  # room for the words; and half a bit is not made to look like much
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"surprise{seen.told(window)}; in grey what was expected instead", fontsize=10, loc="left")
