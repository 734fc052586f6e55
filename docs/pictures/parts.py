"""Pictures of the parts: embeddings, LayerNorm, GELU, softmax."""

import math

import torch
from matplotlib.figure import Figure

from nextword.model import plain

from .drawing import Ink, cells, sheet


def layer_norm(ink: Ink) -> Figure:
    """Five tokens' numbers before and after, each token a row."""
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(5, 8, generator=generator) * torch.tensor([[0.3], [3.0], [1.0], [0.8], [1.5]])
    x = x + torch.tensor([[0.0], [2.0], [-4.0], [3.0], [0.0]])
    y = plain.layer_norm(x, torch.ones(8), torch.zeros(8))
    figure, axes = sheet(2.5, 1, 2)
    for ax, values, title in zip(axes, (x, y), ("before", "after"), strict=True):
        texts = [[f"{number:.1f}".replace("-0.0", "0.0") for number in row] for row in values.tolist()]
        cells(ax, ink, values.tolist(), texts, ink.balance, (-5.0, 5.0) if title == "before" else (-2.5, 2.5), 7.5)
        sides = zip(values.mean(-1).tolist(), values.std(-1, correction=0).tolist(), strict=True)
        said = [f"{mean + 0.0:.1f}".replace("-0.0", "0.0") + f" ± {size:.1f}" for mean, size in sides]
        ax.set_yticks(range(5), said, fontsize=8)
        ax.yaxis.tick_right()
        ax.set_xticks([])
        ax.set_title(title)
    axes[0].set_ylabel("tokens")
    return figure


def gelu(ink: Ink) -> Figure:
    """The curve beside ReLU's, and how far the tanh form is from the exact one."""
    x = torch.linspace(-4, 4, 801, dtype=torch.float64)
    y = plain.gelu(x)
    exact = x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    figure, (left, right) = sheet(2.7, 1, 2)
    left.axhline(0, color=ink.line, linewidth=0.8)
    left.plot(x, x.clamp(min=0), color=ink.muted, linewidth=1.3, linestyle=(0, (4, 3)))
    left.plot(x, y, color=ink.blue)
    left.text(1.1, 2.1, "ReLU", color=ink.muted, ha="right")
    left.text(2.2, 1.5, "GELU", color=ink.blue)
    lowest = int(y.argmin())
    left.plot(x[lowest], y[lowest], "o", color=ink.blue, markersize=4)
    left.annotate(
        f"lowest: {y[lowest]:.2f} at {x[lowest]:.2f}",
        (float(x[lowest]), float(y[lowest])),
        (-3.8, 0.75),
        fontsize=8.5,
        color=ink.muted,
        arrowprops={"arrowstyle": "-", "color": ink.muted, "linewidth": 0.8, "shrinkB": 4},
    )
    left.set(xlim=(-4, 3), ylim=(-0.4, 3), xlabel="x")
    right.axhline(0, color=ink.line, linewidth=0.8)
    right.plot(x, (y - exact) * 1000, color=ink.orange)
    right.set(xlim=(-4, 4), xlabel="x", ylim=(-0.6, 0.6))
    right.set_title("tanh form minus exact form, in thousandths", fontsize=9)
    return figure


def softmax(ink: Ink) -> Figure:
    """Five scores, and the probabilities that they become."""
    scores = torch.tensor([2.0, 1.0, 0.5, -1.0, -2.0])
    chances = plain.softmax(scores)
    figure, (left, right) = sheet(2.3, 1, 2)
    for ax, values, title, color in ((left, scores, "scores", ink.muted), (right, chances, "probabilities", ink.blue)):
        bars = ax.bar(range(5), values.tolist(), color=color, width=0.62)
        ax.bar_label(
            bars, [f"{value:g}" if title == "scores" else f"{value:.3f}" for value in values.tolist()], padding=2
        )
        ax.axhline(0, color=ink.line, linewidth=0.8)
        ax.set_title(title)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[["left", "bottom"]].set_visible(False)
    left.set(ylim=(-2.8, 2.8))
    right.set(ylim=(0, 0.75))
    return figure


def embeddings(ink: Ink) -> Figure:
    """Rows of two tables are added: what a token is, and where it stands."""
    generator = torch.Generator().manual_seed(2)
    words = [" the", " cat", " saw", " the", " dog"]
    what = {word: torch.randn(6, generator=generator) for word in dict.fromkeys(words)}
    tokens = torch.stack([what[word] for word in words])
    places = 0.8 * torch.randn(5, 6, generator=generator)
    figure, axes = sheet(2.5, 1, 3, width_ratios=(1, 1, 1))
    titles = ("wte[ids]: what it is", "+  wpe: where it stands", "=  x")
    for ax, values, title in zip(axes, (tokens, places, tokens + places), titles, strict=True):
        texts = [[""] * 6 for _ in words]
        cells(ax, ink, values.tolist(), texts, ink.balance, (-2.6, 2.6))
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_title(title, fontsize=9.5)
    axes[0].set_yticks(range(5), [f"“{word}”" for word in words], fontsize=8.5)
    axes[1].set_yticks(range(5), range(5), fontsize=8.5)
    return figure
