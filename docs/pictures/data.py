"""Pictures of the way from text to batches."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nextword.data.plain import batches, windows
from nextword.tokenizer import bpe
from nextword.tokenizer.vocab import token_bytes

from .drawing import Ink, canvas

SHOWN_SPACE = "␣"


def _tile(ax: Axes, ink: Ink, x: float, y: float, width: float, text: str, color: str, size: float = 9.5) -> None:
    """A small coloured box with a text in it; units are characters."""
    ax.add_patch(
        Rectangle((x + 0.06, y), width - 0.12, 1.5, facecolor=ink.soft(color, 0.25), edgecolor=color, linewidth=0.8)
    )
    ax.text(x + width / 2, y + 0.72, text, ha="center", va="center", fontsize=size, family="DejaVu Sans Mono")


def encode(ink: Ink) -> Figure:
    """A sentence, its pieces, their tokens and the ids."""
    text = "We're un-googling 31415 wombats!"
    colors = (ink.blue, ink.green, ink.violet, ink.orange)
    pieces = bpe.split(text)
    wide = [max(2.2, 1.05 * len(piece)) for piece in pieces]
    figure, ax = canvas(sum(wide) + 6.4, 11.6)
    for label, y in (("text", 10.2), ("pieces", 7.4), ("tokens", 4.4), ("ids", 2.2)):
        ax.text(0.2, y, label, va="center", color=ink.muted, fontsize=9)
    x = 6.0
    for number, (piece, width) in enumerate(zip(pieces, wide, strict=True)):
        color = colors[number % len(colors)]
        step = width / len(piece)
        for place, character in enumerate(piece.replace(" ", SHOWN_SPACE)):
            ax.text(x + (place + 0.5) * step, 10.2, character, ha="center", va="center", family="DejaVu Sans Mono",
                    fontsize=9.5, color=ink.muted if character == SHOWN_SPACE else ink.text)  # fmt: skip
        _tile(ax, ink, x, 6.65, width, piece.replace(" ", SHOWN_SPACE), color)
        at = x
        for token, id in zip(bpe.merge(piece.encode()), bpe.encode_piece(piece.encode()), strict=True):
            _tile(ax, ink, at, 3.65, step * len(token), token.decode().replace(" ", SHOWN_SPACE), color)
            ax.text(at + step * len(token) / 2, 2.2, str(id), ha="center", va="center", fontsize=7.5)
            at += step * len(token)
        x += width
    return figure


def decode(ink: Ink) -> Figure:
    """Ids, their bytes, and the characters that these spell together."""
    text = "naïve ☕ ok"
    ids = bpe.encode(text)
    figure, ax = canvas(44, 11.2)
    for label, y in (("ids", 9.6), ("bytes", 6.0), ("text", 2.0)):
        ax.text(0.2, y, label, va="center", color=ink.muted, fontsize=9)
    colors = (ink.blue, ink.green, ink.violet, ink.orange)
    step = 37.5 / sum(len(token_bytes(id)) for id in ids)
    x = 6.0
    for number, id in enumerate(ids):
        width = step * len(token_bytes(id))
        _tile(ax, ink, x, 8.85, width, str(id), colors[number % 4], 8.0)
        for place, byte in enumerate(token_bytes(id)):
            _tile(ax, ink, x + place * step, 5.25, step, f"{byte:02x}", colors[number % 4], 8.0)
        x += width
    x = 6.0
    for character in text:
        width = step * len(character.encode())
        several = len(character.encode()) > 1
        ax.plot([x + 0.25, x + width - 0.25], [4.6, 4.6], color=ink.orange if several else ink.line, linewidth=1.6)
        shown = character.replace(" ", SHOWN_SPACE)
        ax.text(x + width / 2, 2.9, shown, ha="center", va="center", fontsize=13 if several else 11)
        if several:
            said = f"{len(character.encode())} bytes"
            ax.text(x + width / 2, 1.1, said, ha="center", va="center", fontsize=8, color=ink.orange)
        x += width
    return figure


def windows_and_targets(ink: Ink) -> Figure:
    """Three windows of four tokens over a text, each with its targets one token on."""
    words = ["The", "cat", "sat", "on", "the", "mat", "and", "fell", "asleep", "there", "."]
    x, y = windows(torch.arange(len(words)), window=4, stride=3)
    figure, ax = canvas(45.6, 18.6)
    wide = 4.0
    for place, word in enumerate(words):
        ax.text((place + 0.5) * wide + 1.4, 17.6, word, ha="center", va="center", fontsize=10)
    ax.text(0.1, 17.6, "ids", va="center", color=ink.muted, fontsize=9)
    for row in range(len(x)):
        top = 13.2 - row * 5.2
        for values, name, color, down in ((x[row], "x", ink.blue, 0.0), (y[row], "y", ink.orange, 2.0)):
            ax.text(0.3, top - down + 0.72, name, va="center", color=color, fontsize=10, style="italic")
            for id in values.tolist():
                left = id * wide + 1.4
                ax.add_patch(Rectangle((left + 0.12, top - down), wide - 0.24, 1.6, facecolor=ink.soft(color, 0.28),
                                       edgecolor=color, linewidth=0.8))  # fmt: skip
                ax.text(left + wide / 2, top - down + 0.76, words[id], ha="center", va="center", fontsize=9)
    ax.annotate("", (1.4, 9.2), (1.4 + 3 * wide, 9.2), arrowprops={"arrowstyle": "<->", "color": ink.muted, "lw": 0.9})
    ax.text(1.4 + 1.5 * wide, 8.3, "stride = 3", ha="center", va="center", color=ink.muted, fontsize=8.5)
    return figure


def split(ink: Ink) -> Figure:
    """The text is cut before the windows; the other way round, overlapping windows would leak."""
    figure, ax = canvas(42, 19)

    def text(y: float, label: str, good: bool) -> None:
        ax.add_patch(Rectangle((1, y), 32, 1.5, facecolor=ink.soft(ink.blue, 0.3), edgecolor="none"))
        ax.add_patch(Rectangle((33, y), 8, 1.5, facecolor=ink.soft(ink.orange, 0.35), edgecolor="none"))
        ax.text(17, y + 0.72, "to learn from", ha="center", va="center", fontsize=9)
        ax.text(37, y + 0.72, "to validate on", ha="center", va="center", fontsize=8.5)
        ax.text(1, y + 2.3, label, color=ink.green if good else ink.red, fontsize=9.5, weight="bold")

    def line(start: float, y: float, color: str) -> None:
        ax.plot([start, start + 5], [y, y], color=color, linewidth=3.2, solid_capstyle="butt")

    text(14, "cut the text first, then windows: nothing is shared", True)
    for number in range(10):
        line(1 + 3 * number, 13.2 - 0.75 * (number % 2), ink.blue)
    for number in range(2):
        line(33 + 3 * number, 13.2 - 0.75 * (number % 2), ink.orange)

    text(5.2, "windows first, then shared out: they overlap", False)
    chosen = {2, 6, 9, 11}
    for number in range(13):
        line(1 + 2.9 * number, 4.4 - 0.75 * (number % 2), ink.orange if number in chosen else ink.blue)
    for number in sorted(chosen):
        left, right = 1 + 2.9 * number, 1 + 2.9 * number + 5
        for begin, end in ((left, left + 2.1), (right - 2.1, right)):
            ax.add_patch(Rectangle((begin, 2.4), end - begin, 0.45, facecolor=ink.red, edgecolor="none"))
    ax.text(1, 1.2, "validated on tokens that were learned", color=ink.red, fontsize=8.5)
    return figure


def shuffled(ink: Ink) -> Figure:
    """Ten windows in the order of the text, and the same ten as batches of four."""
    n, size = 10, 4
    figure, ax = canvas(35.5, 12.4)
    spots = ink.ramp
    numbers = torch.arange(n).unsqueeze(1)
    order = [x.flatten().tolist() for x, _ in batches(numbers, numbers, size, seed=3)]

    def tile(x: float, y: float, number: int) -> None:
        color = spots(0.08 + 0.84 * number / (n - 1))
        ax.add_patch(Rectangle((x + 0.1, y), 3.0, 2.0, facecolor=color, edgecolor="none"))
        ax.text(x + 1.6, y + 0.95, str(number), ha="center", va="center", fontsize=9.5, color=ink.on(color))

    ax.text(0.5, 11.6, "windows, in the order of the text", color=ink.muted, fontsize=9)
    for number in range(n):
        tile(0.5 + 3.2 * number, 8.6, number)
    ax.text(0.5, 6.1, "batches of 4, in an order drawn from the seed", color=ink.muted, fontsize=9)
    x = 0.5
    for batch in order:
        ax.add_patch(
            Rectangle((x - 0.15, 2.55), 3.2 * len(batch) + 0.3, 2.6, facecolor="none", edgecolor=ink.muted, linewidth=1)
        )
        for number in batch:
            tile(x, 2.85, number)
            x += 3.2
        x += 1.2
    ax.text(x - 1.2 - 6.4, 1.2, "the rest", color=ink.muted, fontsize=8.5)
    return figure
