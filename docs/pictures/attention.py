"""Pictures of attention."""

import math

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextword.model import plain

from .drawing import Ink, arrow, box, canvas, cells, sheet


def scores(ink: Ink) -> Figure:
    """How large products of random queries and keys are, before and after dividing by the root of D."""
    generator = torch.Generator().manual_seed(0)
    figure, axes = sheet(2.4, 1, 2)
    for D, color in ((4, ink.green), (16, ink.blue), (64, ink.orange), (256, ink.violet)):
        # For a given q, the product with a random k is normal, with the length of q as its deviation.
        lengths = torch.randn(1000, D, generator=generator).square().sum(-1).sqrt()
        for ax, deviations, reach in ((axes[0], lengths, 40.0), (axes[1], lengths / math.sqrt(D), 4.0)):
            x = torch.linspace(-reach, reach, 401)
            density = (torch.exp(-0.5 * (x / deviations[:, None]) ** 2) / deviations[:, None]).mean(0)
            heights = density / density.max()
            ax.plot(x.tolist(), heights.tolist(), color=color, linewidth=1.8, label=f"D = {D}")
    axes[0].set_title("q · k")
    axes[1].set_title("q · k / √D")
    axes[0].legend(fontsize=8.5, handlelength=1.2, loc="upper left", borderaxespad=0)
    for ax in axes:
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    return figure


def mask(ink: Ink) -> Figure:
    """Scores, the triangle of what may be seen, and the weights that come out."""
    words = ["The", "cat", "sat", "down"]
    score = torch.tensor([[0.8, 0.3, 1.1, -0.4], [1.2, 0.5, 0.9, 0.1], [0.2, 1.9, 0.4, 1.0], [-0.3, 0.8, 1.6, 0.5]])
    weights = plain.causal_weights(score[None, None])[0, 0]
    visible = torch.ones(4, 4).tril()
    figure, axes = sheet(2.5, 1, 3)
    texts = [[f"{value:.1f}" for value in row] for row in score.tolist()]
    cells(axes[0], ink, score.tolist(), texts, ink.balance, (-2.4, 2.4))
    hidden = [[f"{s:.1f}" if v else "−∞" for s, v in zip(*rows, strict=True)]
              for rows in zip(score.tolist(), visible.tolist(), strict=True)]  # fmt: skip
    shown = (score * visible).tolist()
    cells(axes[1], ink, shown, hidden, ink.balance, (-2.4, 2.4))
    for row in range(4):
        for column in range(row + 1, 4):
            axes[1].add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=ink.fill, edgecolor=ink.paper, linewidth=1.5)
            )
            axes[1].text(column, row, "−∞", ha="center", va="center", fontsize=8.5, color=ink.muted, zorder=5)
            axes[1].texts[row * 4 + column].set_visible(False)
    texts = [[f"{value:.2f}" if value else "0" for value in row] for row in weights.tolist()]
    cells(axes[2], ink, weights.tolist(), texts, ink.ramp, (0, 1.1))
    for ax, title in zip(axes, ("scores", "what is later, hidden", "softmax: weights"), strict=True):
        ax.set_title(title, fontsize=9.5)
        ax.set_xticks(range(4), words, fontsize=8)
        ax.set_yticks([])
        ax.set_aspect("equal")
    axes[0].set_yticks(range(4), words, fontsize=8)
    axes[0].set_ylabel("the query of", fontsize=8.5)
    axes[0].set_xlabel("sees the key of", fontsize=8.5)
    return figure


def heads(ink: Ink) -> Figure:
    """Split rightly, each head gets its columns of every token; viewed without a transpose, tokens are torn apart."""
    T, H, D = 4, 3, 3
    colors = (ink.blue, ink.orange, ink.green)
    figure, ax = canvas(42, 17.5)

    def draw(x: float, y: float, rows: list[list[int]], title: str, down: float = 0.0) -> None:
        for row, line in enumerate(rows):
            for column, number in enumerate(line):
                token, place = divmod(number, H * D)
                color = ink.soft(colors[place // D], 0.22 + 0.2 * token)
                ax.add_patch(Rectangle((x + column * 1.25, y - row * 1.25), 1.17, 1.17, facecolor=color))
                ax.text(x + column * 1.25 + 0.58, y - row * 1.25 + 0.55, "abcd"[token], ha="center", va="center",
                        fontsize=7.5, color=ink.on(color))  # fmt: skip
        ax.text(x, y + 1.9 + down, title, fontsize=8.5, color=ink.text)

    numbers = torch.arange(T * H * D).view(1, T, H * D)
    draw(0.5, 10.1, numbers[0].tolist(), "x (T, C): token a, b, c, d")
    right = numbers.unflatten(-1, (H, D)).transpose(1, 2)[0]
    wrong = numbers.view(1, H, T, D)[0]
    for head in range(H):
        draw(18.5 + 5.2 * head, 13.2, right[head].tolist(), "", 0)
        draw(18.5 + 5.2 * head, 4.4, wrong[head].tolist(), "", 0)
    ax.text(18.5, 15.3, "split, then transpose (1, 2)", fontsize=9, color=ink.green, weight="bold")
    ax.text(18.5, 6.5, "view as (H, T, D) at once", fontsize=9, color=ink.red, weight="bold")
    ax.text(34.6, 11.4, "each head: all tokens,\nits own D numbers", fontsize=8, color=ink.muted, va="center")
    ax.text(34.6, 2.6, "torn apart: no row is\na token's", fontsize=8, color=ink.muted, va="center")
    arrow(ax, ink, (12.6, 9.4), (17.6, 11.4))
    arrow(ax, ink, (12.6, 7.0), (17.6, 3.4))
    return figure


def attention(ink: Ink) -> Figure:
    """From x to what attention adds to it, with the shapes on the way."""
    figure, ax = canvas(42, 15.6)
    y = 6.4
    box(ax, ink, 0.4, y, 3.2, 2.6, "x", fontsize=10)
    ax.text(2.0, y - 0.9, "(B, T, C)", ha="center", fontsize=7, color=ink.muted)
    box(ax, ink, 5.6, y, 4.0, 2.6, "c_attn", ink.violet, fontsize=9.5)
    arrow(ax, ink, (3.7, y + 1.3), (5.5, y + 1.3))
    for name, height, color in (("q", 11.6, ink.blue), ("k", y, ink.blue), ("v", 1.2, ink.orange)):
        box(ax, ink, 12.2, height, 2.6, 2.6, name, color, fontsize=10)
        arrow(ax, ink, (9.7, y + 1.3), (12.1, height + 1.3))
    ax.text(13.5, 0.3, "H heads: (B, H, T, D) each", ha="center", fontsize=7, color=ink.muted)
    box(ax, ink, 17.6, 9.1, 5.0, 2.6, "q kᵀ / √D", ink.blue, fontsize=9)
    ax.text(20.1, 12.2, "(B, H, T, T)", ha="center", fontsize=7, color=ink.muted)
    arrow(ax, ink, (14.9, 12.6), (17.5, 11.0))
    arrow(ax, ink, (14.9, 8.0), (17.5, 9.8))
    box(ax, ink, 24.6, 9.1, 5.4, 2.6, "hide later,\nsoftmax", ink.blue, fontsize=8.5)
    arrow(ax, ink, (22.7, 10.4), (24.5, 10.4))
    box(ax, ink, 27.6, 4.1, 5.4, 2.6, "weights @ v", ink.orange, fontsize=8.5)
    arrow(ax, ink, (28.6, 9.0), (29.9, 6.8))
    arrow(ax, ink, (14.9, 2.5), (27.5, 4.9))
    box(ax, ink, 34.2, 4.1, 2.9, 2.6, "merge", fontsize=8)
    arrow(ax, ink, (33.1, 5.4), (34.1, 5.4))
    box(ax, ink, 38.2, 4.1, 3.4, 2.6, "c_proj", ink.violet, fontsize=8.5)
    arrow(ax, ink, (37.2, 5.4), (38.1, 5.4))
    ax.text(39.9, 3.1, "(B, T, C)", ha="center", fontsize=7, color=ink.muted)
    return figure


def dropout(ink: Ink) -> Figure:
    """Ones before and after: some are gone, the others grew, the mean is what it was."""
    torch.manual_seed(5)
    x = torch.ones(5, 10)
    y = plain.drop(x, 0.2)
    figure, axes = sheet(1.9, 1, 2)
    for ax, values, title in ((axes[0], x, "before: mean 1"), (axes[1], y, f"after, p = 0.2: mean {y.mean():.2f}")):
        texts = [[f"{number:g}" for number in row] for row in values.tolist()]
        cells(ax, ink, values.tolist(), texts, ink.ramp, (0.0, 2.2), 8)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=9.5)
    return figure
