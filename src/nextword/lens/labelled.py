"""Labelled arrays, and their plots."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.lens import html
from nextword.runtime import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

MOST_BARS = 40  # of a longer list the largest are drawn, and the others together
MOST_LABELS = 48  # along a side; of more, every second, third, ... is written
MOST_WORDS = 600  # in a map; more could not be read
UP, DOWN = "#1f77b4", "#d62728"


class Axis(NamedTuple):
    """A dimension of an array: its name, and a label for each place on it."""

    name: str
    labels: Sequence[str]


class LabelledNumber(NamedTuple):
    """A number of a labelled array, with the labels of its place."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Labelled:
    """An array with a title, a unit, and labels along its axes.

    values: any shape; NaN where there is nothing to say. axes: one for each
    dimension. title: what this is. unit: what the numbers are. words: a word
    for each number, to be written in its place in pictures, if there are any.
    Raises ValueError where the labels do not fit the numbers.
    """

    values: NDArray[np.floating[Any]]
    axes: tuple[Axis, ...]
    title: str
    unit: str = ""
    words: NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        labels = tuple(len(axis.labels) for axis in self.axes)
        if labels != self.values.shape:
            raise ValueError(f"an array of the shape {self.values.shape} needs as many labels, and was given {labels}.")
        if self.words is not None and self.words.shape != self.values.shape:
            raise ValueError(f"words of the shape {self.words.shape} stand to numbers of {self.values.shape}.")

    def __repr__(self) -> str:
        axes = ", ".join(f"{axis.name} {len(axis.labels)}" for axis in self.axes)
        return f"Labelled({self.title!r}, {axes})"

    def _repr_html_(self) -> str:
        """Show it in a notebook: a text in colours, bars, or a table of the last two axes."""
        array = last_two(self)
        values, sides = np.asarray(array.values, dtype=float), array.axes
        if not sides:
            return html.shown(array.title, html.sentence(f"{values.item():.4g} {array.unit}"))
        if len(sides) == 1:
            if sides[0].name == "token":
                return html.shown(array.title, html.coloured_text(sides[0].labels, values, array.unit))
            largest, labels = largest_bars(array)
            return html.shown(array.title, html.bars(labels, largest, array.unit))
        rows, columns = sides
        said = f"{rows.name} ↓, {columns.name} →{': ' + array.unit if array.unit else ''}. "
        said += html.cut(rows.name, len(rows.labels)) + html.cut(columns.name, len(columns.labels))
        table = html.colour_map(rows.labels, columns.labels, values, array.words)
        return html.shown(array.title, html.sentence(said), table)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.values.shape

    def top(self, n: int = 10) -> list[LabelledNumber]:
        """List the n largest numbers with their labels, the largest first; of equals the earlier."""
        flat = np.where(np.isnan(self.values), -np.inf, self.values).ravel()
        order = np.argsort(-flat, kind="stable")[:n]
        places = [np.unravel_index(i, self.shape) for i in order if flat[i] != -np.inf]
        return [
            LabelledNumber(
                tuple(axis.labels[int(i)] for axis, i in zip(self.axes, place, strict=True)), float(self.values[place])
            )
            for place in places
        ]

    def plot(self, file: str | Path | None = None) -> "Figure":
        """Plot bars for one axis, and a map of colours for two or the last two.

        Gives back matplotlib's figure, and writes it to the file, if one is
        named, in the format that its name ends in (.png, .svg, .pdf).
        """
        figure = draw(self)
        if file is not None:
            save(figure, Path(file))
        return figure


def numbers(x: "Tensor") -> NDArray[np.floating[Any]]:
    """Convert a tensor to NumPy, in float32 or more."""
    x = x.detach().cpu()
    return (x if x.itemsize == 8 else x.float()).numpy()


def draw(array: Labelled) -> "Figure":
    """Plot a labelled array, in a size that suits it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if array.values.ndim == 1:
        figure = Figure(figsize=(7, 1.2 + 0.22 * min(len(array.values), MOST_BARS + 1)), layout="constrained")
        draw_bars(figure.add_subplot(), array)
    else:
        array = last_two(array)
        rows, columns = array.shape
        cell = 0.62 if has_room(array) else 0.24
        width = min(max(4.0, 1.8 + cell * columns), 24.0)
        height = min(max(2.4, 1.6 + (0.3 if has_room(array) else 0.24) * rows), 24.0)
        figure = Figure(figsize=(width, height), layout="constrained")
        draw_map(figure.add_subplot(), array)
    FigureCanvasAgg(figure)
    return figure


def save(figure: "Figure", file: Path) -> None:
    """Write a figure in the format of the file's ending. Raises ValueError for an unknown one."""
    kinds = figure.canvas.get_supported_filetypes()
    kind = file.suffix.removeprefix(".").lower()
    if kind not in kinds:
        raise ValueError(f"{file}: pictures are written as .png, .svg or .pdf, not as {file.suffix or 'no kind'}.")
    with replacing(file) as draft:
        figure.savefig(draft, format=kind, dpi=150)


def draw_bars(axes: "Axes", array: Labelled) -> None:
    """Draw a bar for each number, the first on top; of many, the largest and the others' sum."""
    values, labels = largest_bars(array)
    places = np.arange(len(values))
    axes.barh(places, values, color=np.where(values < 0, DOWN, UP).tolist(), height=0.75)
    axes.set_yticks(places, [printable(label) for label in labels], fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.axvline(0, color="0.3", lw=0.8)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(array.unit)
    axes.set_title(array.title, fontsize=10, loc="left")


def largest_bars(array: Labelled) -> tuple[NDArray[np.floating[Any]], list[str]]:
    """Choose the numbers to draw as bars, with labels: all, or the largest and the others' sum."""
    values, labels = np.nan_to_num(np.asarray(array.values, dtype=float)), [*array.axes[0].labels]
    if len(values) <= MOST_BARS:
        return values, labels
    largest = np.sort(np.argsort(-np.abs(values), kind="stable")[:MOST_BARS])
    others = values.sum() - values[largest].sum()
    return np.append(values[largest], others), [
        *(labels[i] for i in largest),
        f"the other {len(values) - MOST_BARS} together",
    ]


def draw_map(axes: "Axes", array: Labelled, bar: bool = True) -> None:
    """Draw a cell for each number, the first row on top, with two colours for two signs."""
    values = np.asarray(array.values, dtype=float)
    rows, columns = array.axes
    image = axes.imshow(values, aspect="auto", interpolation="nearest", **colours(values))
    for axis, side, set_ticks in ((rows, axes.yaxis, axes.set_yticks), (columns, axes.xaxis, axes.set_xticks)):
        step = -(-len(axis.labels) // MOST_LABELS)
        places = range(0, len(axis.labels), step)
        slanted: dict[str, Any] = {"rotation": 90} if side is axes.xaxis and longest(axis.labels) > 3 else {}
        set_ticks([*places], [printable(axis.labels[i]) for i in places], fontsize=7, **slanted)
        side.set_label_text(axis.name, fontsize=8)
    if array.words is not None and array.words.size <= MOST_WORDS:
        write_words(axes, array.words, values)
    if bar:
        axes.figure.colorbar(image, ax=axes, label=array.unit, shrink=0.8, pad=0.02)
    axes.set_title(array.title, fontsize=10, loc="left")


def write_words(axes: "Axes", words: NDArray[np.object_], values: NDArray[np.floating[Any]]) -> None:
    """Write each cell's word into it, dark on light or light on dark."""
    finite = values[np.isfinite(values)]
    middle = (finite.min() + finite.max()) / 2 if finite.size else 0.0
    for (row, column), word in np.ndenumerate(words):
        dark = np.isfinite(values[row, column]) and values[row, column] > middle
        text = shortened(printable(word))
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color="white" if dark else "black")


def colours(values: NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Choose a colour map: one colour from 0 up for positive numbers, two for both signs."""
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() < 0 < finite.max():
        reach = np.abs(finite).max()
        return {"cmap": "RdBu", "vmin": -reach, "vmax": reach}
    if finite.size and finite.min() >= 0:
        return {"cmap": "Blues", "vmin": 0.0, "vmax": max(finite.max(), 1e-12)}
    return {"cmap": "Reds_r"}


def last_two(array: Labelled) -> Labelled:
    """Take the first of everything but the last two axes."""
    while array.values.ndim > 2:
        first = array.axes[0]
        title = array.title if len(first.labels) == 1 else f"{array.title}, {first.name} {first.labels[0]}"
        words = None if array.words is None else array.words[0]
        array = Labelled(array.values[0], array.axes[1:], title, array.unit, words)
    return array


def has_room(array: Labelled) -> bool:
    """Tell whether there are words, and few enough to be written."""
    return array.words is not None and array.words.size <= MOST_WORDS


def longest(labels: Any) -> int:
    """Count the characters of the longest label."""
    return max((len(printable(label)) for label in labels), default=0)


def shortened(text: str, room: int = 10) -> str:
    """Shorten a text to fit into a cell."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def printable(text: str) -> str:
    """Escape a label for matplotlib, without formulas and unprintable characters."""
    return "".join(c if c.isprintable() else "�" for c in text).replace("$", r"\$")
