"""A loss curve drawn in a terminal, of dots in Braille characters."""

import math
from collections.abc import Iterable, Sequence

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a character, by its row and column. Source: Unicode's block of Braille patterns."""

BLANK = 0x2800
LABEL = 7  # columns

Series = Sequence[tuple[int, float]]


def text_plot(series: Sequence[Series], columns: int, rows: int) -> list[str]:
    """Draw losses over steps, (step, loss) each, in so many columns and rows of a terminal.

    Each line has the loss at its height before it, the last line the first and the last step. Steps without a number
    are left out. Of several series, the later ones are drawn as thick as they can be: two dots high.
    """
    points = [point for one in series for point in one if math.isfinite(point[1])]
    width, height = 2 * max(4, columns - LABEL - 1), 4 * max(2, rows - 1)
    if not points:
        return ["no loss has been measured yet"]
    first, last = min(step for step, _ in points), max(step for step, _ in points)
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    across, up = max(1, last - first), max(1e-9, high - low)
    canvas = [[BLANK] * (width // 2) for _ in range(height // 4)]
    for number, one in enumerate(series):
        for x, y in placed(one, first, across, low, up, width, height):
            for thick in range(min(2, number + 1)):
                row = min(height - 1, y + thick)
                canvas[row // 4][x // 2] |= DOTS[row % 4][x % 2]
    losses = [high - up * row / max(1, len(canvas) - 1) for row in range(len(canvas))]
    lines = [f"{loss:>{LABEL}.2f} " + "".join(map(chr, line)) for loss, line in zip(losses, canvas, strict=True)]
    steps = f"step {first:,}", f"{last:,}"
    return [*lines, " " * (LABEL + 1) + steps[0] + steps[1].rjust(width // 2 - len(steps[0]))]


def placed(
    points: Series, first: int, across: int, low: float, up: float, width: int, height: int
) -> Iterable[tuple[int, int]]:
    """Place points on a canvas; where several fall on one column, their mean."""
    columns: dict[int, list[float]] = {}
    for step, loss in points:
        if math.isfinite(loss):
            columns.setdefault(round((step - first) / across * (width - 1)), []).append(loss)
    for x, losses in columns.items():
        share = (sum(losses) / len(losses) - low) / up
        yield x, round((1.0 - share) * (height - 1))
