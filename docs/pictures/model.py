"""Pictures of the model: its blocks, its head, its weights."""

import math
from functools import cache

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

from nextword.config import CONFIGS
from nextword.model import GPT, GPTConfig

from .drawing import Ink, arrow, box, canvas, sheet


def mlp(ink: Ink) -> Figure:
    """A token's numbers widen, bend and narrow again."""
    figure, ax = canvas(42, 13.4)

    def bar(x: float, height: float, label: str, color: str) -> None:
        ax.add_patch(
            Rectangle((x, 7.2 - height / 2), 1.7, height, facecolor=ink.soft(color, 0.3), edgecolor=color, linewidth=1)
        )
        ax.text(x + 0.85, 7.2 - height / 2 - 0.9, label, ha="center", va="center", fontsize=8, color=ink.muted)

    def funnel(left: float, right: float, before: float, after: float, label: str) -> None:
        ax.add_patch(
            Polygon(
                [(x, 7.2 + side * height / 2) for x, side, height in
                 ((left, -1, before), (left, 1, before), (right, 1, after), (right, -1, after))],
                closed=True, facecolor=ink.soft(ink.violet, 0.14), edgecolor="none",
            )
        )  # fmt: skip
        ax.text((left + right) / 2, 7.2, label, ha="center", va="center", fontsize=9.5, color=ink.violet)

    small, large = 2.75, 11.0
    bar(1.5, small, "C = 768", ink.blue)
    funnel(3.5, 13.2, small, large, "c_fc\n768 × 3072")
    bar(13.5, large, "4 C = 3072", ink.blue)
    arrow(ax, ink, (15.6, 7.2), (24.6, 7.2))
    ax.text(20.1, 8.1, "GELU", ha="center", fontsize=9.5, color=ink.orange)
    ax.text(20.1, 5.9, "each number\nby itself", ha="center", va="center", fontsize=8, color=ink.muted)
    bar(25, large, "3072", ink.orange)
    funnel(27, 36.7, large, small, "c_proj\n3072 × 768")
    bar(37, small, "768", ink.blue)
    return figure


def block(ink: Ink) -> Figure:
    """The residual stream goes straight through; two branches read it and add to it."""
    figure, ax = canvas(42, 15)
    y = 3.2
    arrow(ax, ink, (1, y), (41.2, y), ink.blue, linewidth=3.4, mutation_scale=16)
    ax.text(1, y - 1.6, "x: the residual stream", fontsize=9, color=ink.blue, va="center")
    for left, norm, work, color, said in (
        (3.5, "ln_1", "attn", ink.violet, "gathers from other tokens"),
        (22.5, "ln_2", "mlp", ink.orange, "thinks it over"),
    ):
        ax.plot([left, left], [y, 9.9], color=ink.muted, linewidth=1.1)
        arrow(ax, ink, (left, 9.9), (left + 1.5, 9.9))
        box(ax, ink, left + 1.5, 8.4, 4.2, 3.0, norm, fontsize=9.5)
        arrow(ax, ink, (left + 5.8, 9.9), (left + 7.4, 9.9))
        box(ax, ink, left + 7.4, 8.4, 5.0, 3.0, work, color, fontsize=10)
        ax.text(left + 9.9, 12.4, said, ha="center", fontsize=8, color=ink.muted)
        ax.plot([left + 12.4, left + 14.2], [9.9, 9.9], color=ink.muted, linewidth=1.1)
        arrow(ax, ink, (left + 14.2, 9.9), (left + 14.2, y + 1.0))
        ax.add_patch(Circle((left + 14.2, y), 0.95, facecolor=ink.paper, edgecolor=ink.blue, linewidth=1.6, zorder=3))
        ax.text(left + 14.2, y - 0.06, "+", ha="center", va="center", fontsize=12, color=ink.blue, zorder=4)
    return figure


def tied_head(ink: Ink) -> Figure:
    """One table at both ends: its rows are looked up, and later compared with."""
    figure, ax = canvas(42, 15)
    names = ["the", "cat", "dog", "sat", "…"]
    logits = [1.1, -0.4, 0.3, 2.6, 0.0]
    for side, x0 in (("in", 1.0), ("out", 25.0)):
        for row, name in enumerate(names):
            y = 10.2 - 1.7 * row
            used = side == "in" and row == 1
            for column in range(5):
                color = ink.soft(ink.blue, 0.18 + 0.42 * abs(math.sin(3.7 * row + 2.1 * column)))
                ax.add_patch(Rectangle((x0 + 3 + column * 1.3, y), 1.2, 1.3, facecolor=color,
                                       edgecolor=ink.orange if used else "none", linewidth=1.4))  # fmt: skip
            ax.text(x0 + 2.4, y + 0.6, name, ha="right", va="center", fontsize=8.5,
                    color=ink.orange if used else ink.text)  # fmt: skip
    ax.text(7.2, 12.6, "wte (V, C)", ha="center", fontsize=9, color=ink.blue)
    ax.text(31.2, 12.6, "the same wte", ha="center", fontsize=9, color=ink.blue)
    arrow(ax, ink, (10.9, 9.1), (13.6, 7.6), ink.orange)
    box(ax, ink, 13.8, 5.6, 6.4, 3.4, "blocks\nand ln_f", fontsize=9)
    arrow(ax, ink, (20.4, 7.3), (24.4, 7.3))
    ax.text(22.4, 8.1, "x", ha="center", fontsize=10, style="italic")
    ax.text(38.2, 12.6, "logits", ha="center", fontsize=9, color=ink.muted)
    for row, value in enumerate(logits[:-1]):
        y = 10.2 - 1.7 * row
        best = value == max(logits)
        ax.text(35.6, y + 0.6, "·x =", ha="center", va="center", fontsize=8.5, color=ink.muted)
        ax.text(39.2, y + 0.6, f"{value:.1f}", ha="right", va="center", fontsize=9.5,
                color=ink.green if best else ink.text, weight="bold" if best else "normal")  # fmt: skip
    ax.text(7.2, 1.1, "first: look up a row", ha="center", fontsize=8.5, color=ink.muted)
    ax.text(32.5, 1.1, "last: which row is most like x?", ha="center", fontsize=8.5, color=ink.muted)
    return figure


def gpt(ink: Ink) -> Figure:
    """GPT-2 from ids to logits, with the shapes between."""
    figure, ax = canvas(42, 10.6)
    y = 3.0
    parts = (
        (0.5, 3.6, "ids", "", "(B, T)"),
        (6.0, 5.6, "wte[ids]\n+ wpe", ink.blue, "(B, T, C)"),
        (25.6, 4.2, "ln_f", "", "(B, T, C)"),
        (31.8, 4.6, "head\n(wte)", ink.blue, "(B, T, V)"),
    )
    for x, width, text, color, shape in parts:
        box(ax, ink, x, y, width, 3.6, text, color, fontsize=9.5)
        ax.text(x + width / 2, y - 1.1, shape, ha="center", va="center", fontsize=7.5, color=ink.muted)
    for number in (2, 1, 0):
        box(ax, ink, 14.2 + 0.7 * number, y - 0.6 + 0.75 * number, 7.4, 4.8, "" if number else "block\nattn + mlp",
            ink.violet, fontsize=9.5)  # fmt: skip
    ax.text(18.6, y - 1.7, "(B, T, C)", ha="center", va="center", fontsize=7.5, color=ink.muted)
    ax.text(19.3, y + 6.5, "h: n_layer blocks, one after the other", ha="center", fontsize=8.5, color=ink.violet)
    for start, end in ((4.2, 5.9), (11.7, 14.0), (23.2, 25.5), (29.9, 31.7)):
        arrow(ax, ink, (start, y + 1.8), (end, y + 1.8))
    arrow(ax, ink, (36.5, y + 1.8), (38.2, y + 1.8))
    ax.text(40.0, y + 1.8, "logits", ha="center", va="center", fontsize=9.5)
    return figure


@cache
def _stream_sizes() -> dict[str, list[float]]:
    """How large the residual stream is after each block of a fresh model, with and without the scaling."""
    config = GPTConfig(n_vocab=400, n_ctx=16, n_embd=384, n_head=6, n_layer=24, dropout=0.0)
    ids = torch.arange(16).unsqueeze(0)
    sizes = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT(config).eval()
    with torch.no_grad():
        for name, factor in (("scaled", 1.0), ("unscaled", math.sqrt(2 * config.n_layer))):
            for part in model.h:
                part.attn.c_proj.weight.mul_(factor)
                part.mlp.c_proj.weight.mul_(factor)
            x = model.embed(ids)
            sizes[name] = [float(x.std())]
            for part in model.h:
                x = part(x)
                sizes[name].append(float(x.std()))
    return sizes


def init(ink: Ink) -> Figure:
    """The size of the residual stream through 24 fresh blocks."""
    sizes = _stream_sizes()
    figure, (ax,) = sheet(2.5)
    for name, color, said in (
        ("unscaled", ink.orange, "c_proj as wide as the rest: 0.02"),
        ("scaled", ink.blue, "c_proj divided by √(2 n_layer)"),
    ):
        ax.plot(range(25), sizes[name], color=color)
        ax.text(24.3, sizes[name][-1], said, color=color, fontsize=8.5, va="center")
    ax.set(xlim=(0, 24), ylim=(0, None), xlabel="after block", ylabel="deviation of x", xticks=range(0, 25, 4))
    return figure


def parameters(ink: Ink) -> Figure:
    """Where the 124,439,808 parameters are, and how their shares change with the size."""
    figure, (top, below) = sheet(3.5, 2, 1, height_ratios=(1, 2.4))
    groups = ("wte", "wpe", "attention", "MLP", "LayerNorms")
    colors = (ink.blue, ink.green, ink.violet, ink.orange, ink.muted)

    def counts(config: GPTConfig) -> list[int]:
        C, L = config.n_embd, config.n_layer
        counted = [
            config.n_vocab * C,
            config.n_ctx * C,
            L * (4 * C * C + 4 * C),
            L * (8 * C * C + 5 * C),
            (4 * L + 2) * C,
        ]
        assert sum(counted) == config.n_params
        return counted

    left = 0
    for name, count, color in zip(groups, counts(CONFIGS["gpt2"]), colors, strict=True):
        top.barh(0, count, left=left, color=ink.soft(color, 0.55), height=0.8)
        if count > 5e6:
            share = count / CONFIGS["gpt2"].n_params
            text = f"{name}\n{count:,}\n{share:.0%}"
            top.text(left + count / 2, 0, text, ha="center", va="center", fontsize=8.5)
        left += count
    top.set(xlim=(0, left), ylim=(-0.45, 0.45))
    top.axis("off")
    top.set_title(f"gpt2: {left:,} parameters", fontsize=9.5)
    sizes = [name for name in CONFIGS if name.startswith("gpt2")]
    for row, size in enumerate(sizes):
        start = 0.0
        for count, color in zip(counts(CONFIGS[size]), colors, strict=True):
            share = count / CONFIGS[size].n_params
            below.barh(row, share, left=start, color=ink.soft(color, 0.55), height=0.62)
            if share > 0.06:
                below.text(start + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=8)
            start += share
    named = [f"{size}\n{CONFIGS[size].n_params / 1e6:,.0f} million" for size in sizes]
    below.set_yticks(range(len(sizes)), named, fontsize=8)
    below.set(xlim=(0, 1), ylim=(len(sizes) - 0.5, -0.5), xticks=[])
    below.spines[["left", "bottom"]].set_visible(False)
    below.tick_params(length=0)
    marks = [Rectangle((0, 0), 1, 1, color=ink.soft(color, 0.55)) for color in colors]
    below.legend(marks, groups, ncols=5, loc="upper center", bbox_to_anchor=(0.45, 0.0), fontsize=8, handlelength=1,
                 columnspacing=1.2)  # fmt: skip
    return figure
