"""Pictures of choosing and writing."""

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextword.model.plain import softmax

from .drawing import Ink, canvas, cells, sheet

WORDS = (" mat", " floor", " sofa", " bed", " roof", " table", " hill", " moon")
LOGITS = (3.2, 2.6, 2.1, 1.6, 0.9, 0.4, -0.5, -1.4)
"""What might come after "The cat sat on the"."""


def greedy(ink: Ink) -> Figure:
    """The logits of a text at all its positions: only the last row says what comes after the text."""
    text = ["The", " cat", " sat", " on", " the"]
    words = [" cat", " sat", " on", " the", " mat", " dog"]
    rows = [[2.1, 0.2, -0.8, -1.0, 0.4, 1.9], [-1.1, 2.2, 0.6, -0.4, -0.9, -0.7], [-1.0, -0.8, 2.4, 0.7, -1.2, -0.9],
            [0.1, -1.2, -0.6, 2.6, 0.3, 0.0], [1.2, -0.9, -1.3, -1.1, 2.5, 1.4]]  # fmt: skip
    figure, (ax,) = sheet(2.5)
    cells(ax, ink, rows, [[f"{value:.1f}" for value in row] for row in rows], ink.balance, (-3.2, 3.2))
    ax.set_yticks(range(5), [f"“{word}”" for word in text], fontsize=8.5)
    ax.set_xticks(range(6), [f"“{word}”" for word in words], fontsize=8.5)
    ax.xaxis.tick_top()
    ax.set_title("logits of the next token", fontsize=9.5, pad=8)
    ax.set_ylabel("after the token", fontsize=9)
    ax.add_patch(Rectangle((-0.48, 3.52), 5.96, 0.95, fill=False, edgecolor=ink.muted, linewidth=1.4))
    ax.add_patch(Rectangle((3.52, 3.52), 0.95, 0.95, fill=False, edgecolor=ink.green, linewidth=2.4))
    return figure


def temperature(ink: Ink) -> Figure:
    """The same logits at three temperatures."""
    figure, axes = sheet(2.5, 1, 3, sharey=True)
    for ax, heat, color in zip(axes, (0.5, 1.0, 2.0), (ink.blue, ink.violet, ink.orange), strict=True):
        chances = softmax(torch.tensor(LOGITS) / heat).tolist()
        ax.barh(range(8), chances, color=ink.soft(color, 0.7), height=0.72)
        for row, chance in enumerate(chances):
            ax.text(chance + 0.02, row, f"{chance:.0%}" if chance >= 0.005 else "<1%", va="center", fontsize=8)
        ax.set(xlim=(0, 0.98), ylim=(7.6, -0.6), xticks=[])
        ax.set_title(f"temperature {heat:g}", fontsize=9.5)
        ax.spines[["left", "bottom"]].set_visible(False)
        ax.tick_params(length=0)
    axes[0].set_yticks(range(8), [f"“{word}”" for word in WORDS], fontsize=8.5)
    return figure


def top_k(ink: Ink) -> Figure:
    """The three likeliest tokens are kept, and their probabilities scaled up to sum 1."""
    figure, axes = sheet(2.3, 1, 2, sharey=True)
    chances = softmax(torch.tensor(LOGITS))
    kept = softmax(torch.tensor(LOGITS[:3])).tolist() + [0.0] * 5
    for ax, values, title in ((axes[0], chances.tolist(), "all"), (axes[1], kept, "k = 3")):
        colors = [ink.soft(ink.blue, 0.7) if row < 3 else ink.soft(ink.muted, 0.35) for row in range(8)]
        bars = ax.bar(range(8), values, color=colors, width=0.72)
        ax.bar_label(bars, [f"{value:.0%}" if value else "" for value in values], fontsize=8, padding=2)
        ax.set_xticks(range(8), [f"“{word}”" for word in WORDS], fontsize=8, rotation=40)
        ax.set(ylim=(0, 0.68), yticks=[])
        ax.set_title(title, fontsize=9.5)
        ax.spines["left"].set_visible(False)
        ax.tick_params(length=0)
    axes[0].axvline(2.5, color=ink.red, linewidth=1.2, linestyle=(0, (4, 3)))
    return figure


def top_p(ink: Ink) -> Figure:
    """The same p keeps few tokens where the model is sure, and many where it is not."""
    figure, axes = sheet(2.7, 1, 2, sharey=True)
    p = 0.8
    for ax, sharpness, title in ((axes[0], 1.8, "sure: few tokens"), (axes[1], 0.45, "unsure: many tokens")):
        chances = softmax(torch.tensor(LOGITS) * sharpness)
        total = chances.cumsum(-1)
        n_kept = int((total - chances < p).sum())
        colors = [ink.soft(ink.blue, 0.7) if row < n_kept else ink.soft(ink.muted, 0.35) for row in range(8)]
        ax.bar(range(8), chances.tolist(), color=colors, width=0.72)
        ax.step([-0.5, *(place + 0.5 for place in range(8))], [0.0, *total.tolist()], where="pre", color=ink.orange,
                linewidth=1.5)  # fmt: skip
        ax.axhline(p, color=ink.red, linewidth=1.1, linestyle=(0, (4, 3)))
        ax.axvline(n_kept - 0.5, color=ink.muted, linewidth=0.8)
        ax.text(n_kept - 0.35, 0.36, f"{n_kept} kept", fontsize=8.5, color=ink.muted)
        ax.set(ylim=(0, 1.05), xlim=(-0.55, 7.6), xticks=[])
        ax.set_title(title, fontsize=9.5)
        ax.set_xlabel("tokens, the likeliest first", fontsize=8.5)
    axes[0].set_yticks([0, p, 1], ["0", "p = 0.8", "1"])
    axes[0].text(4.4, 0.9, "sum so far", fontsize=8.5, color=ink.orange, ha="center", va="center")
    return figure


def sliding(ink: Ink) -> Figure:
    """A model with n_ctx = 5 writes on: it reads the last five tokens and one is added."""
    words = ["Once", "upon", "a", "time", "there", "was", "a", "cat"]
    figure, ax = canvas(44, 14.4)
    wide = 4.1
    for row in range(4):
        y = 11.2 - 3.3 * row
        length = 4 + row
        for place in range(length + 1):
            seen = max(0, length - 5) <= place < length
            new = place == length
            color = ink.orange if new else ink.blue if seen else ink.muted
            ax.add_patch(Rectangle((1.0 + place * wide, y), wide - 0.25, 2.1, linewidth=0.9,
                                   facecolor=ink.soft(color, 0.26 if seen or new else 0.08),
                                   edgecolor=color if seen or new else ink.line))  # fmt: skip
            ax.text(1.0 + (place + 0.5) * wide - 0.12, y + 1.0, words[place], ha="center", va="center", fontsize=9,
                    color=ink.text if seen or new else ink.muted)  # fmt: skip
    ax.text(26.6, 12.2, "the model reads this", fontsize=8.5, color=ink.blue, va="center")
    ax.text(26.6, 11.0, "and this is chosen", fontsize=8.5, color=ink.orange, va="center")
    ax.text(34.3, 2.3, "beyond n_ctx = 5 the\nbeginning is forgotten", fontsize=8, color=ink.muted, va="center")
    return figure
