"""How pictures are drawn: on paper and on slate, from one function each.

A picture is a public function of a module in this folder, `f(ink) -> Figure`; its colours come from `ink`, so that one
function serves light pages and dark ones. Figures have no background of their own.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import matplotlib
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

FOLDER = Path(__file__).parent
NOT_DRAWN = ("bench", "cli", "learn", "serve")
"""The rooms of the package that no picture shows anything of."""

WIDTH = 6.4
"""Inches; a page shows a picture as wide as its text, up to 40 rem."""


@dataclass(frozen=True)
class Ink:
    """The colours that a picture is drawn in."""

    text: str
    muted: str
    line: str
    fill: str
    paper: str
    blue: str
    orange: str
    green: str
    red: str
    violet: str

    @property
    def ramp(self) -> Colormap:
        """From nothing (the paper) to much (blue)."""
        return LinearSegmentedColormap.from_list("ramp", [self.paper, self.blue])

    @property
    def balance(self) -> Colormap:
        """From much below zero (orange) over zero (the paper) to much above (blue)."""
        return LinearSegmentedColormap.from_list("balance", [self.orange, self.paper, self.blue])

    def on(self, color: tuple[float, ...] | str) -> str:
        """The ink that can be read on a colour."""
        red, green, blue = to_rgb(color)
        return "#15181c" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "#f4f6f8"

    def soft(self, color: str, share: float = 0.2) -> tuple[float, float, float]:
        """A colour thinned with the paper's."""
        strong, paper = to_rgb(color), to_rgb(self.paper)
        red, green, blue = (share * s + (1 - share) * p for s, p in zip(strong, paper, strict=True))
        return (red, green, blue)


LIGHT = Ink(
    text="#22272e",
    muted="#6a737d",
    line="#ccd3da",
    fill="#f1f4f7",
    paper="#ffffff",
    blue="#2f6fd0",
    orange="#d9772b",
    green="#2f8f62",
    red="#c9423a",
    violet="#7d55c7",
)
DARK = Ink(
    text="#e3e7eb",
    muted="#97a1ad",
    line="#3d4650",
    fill="#20252b",
    paper="#131416",
    blue="#6ba6ff",
    orange="#f0a35e",
    green="#62c494",
    red="#f2837b",
    violet="#b89af5",
)
INKS = {"light": LIGHT, "dark": DARK}


def style(ink: Ink) -> dict[str, object]:
    """Matplotlib's settings for this ink."""
    return {
        "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
        "font.size": 9.5,
        "text.color": ink.text,
        "axes.edgecolor": ink.line,
        "axes.facecolor": "none",
        "axes.labelcolor": ink.text,
        "axes.titlecolor": ink.text,
        "axes.titlesize": 10.5,
        "axes.titlepad": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "grid.color": ink.line,
        "grid.linewidth": 0.6,
        "xtick.color": ink.line,
        "ytick.color": ink.line,
        "xtick.labelcolor": ink.muted,
        "ytick.labelcolor": ink.muted,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "svg.fonttype": "path",
        "svg.hashsalt": "nextword",  # the same file each time
    }


def pictures() -> dict[str, Callable[[Ink], Figure]]:
    """All pictures: "module-name" -> its function."""
    return dict(_found())


def _found() -> Iterator[tuple[str, Callable[[Ink], Figure]]]:
    for file in sorted(FOLDER.glob("[a-z]*.py")):
        if file.stem == "drawing":
            continue
        module = import_module(f"{__package__}.{file.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            drawn = list(inspect.signature(function).parameters) == ["ink"]
            if function.__module__ == module.__name__ and drawn and not name.startswith("_"):
                yield f"{file.stem}-{name}", function


def draw_all(
    folder: Path, only: str = "", kinds: tuple[str, ...] = ("light", "dark"), suffix: str = "svg"
) -> list[Path]:
    """Draw each picture whose name has `only` in it, unless it is there and newer than what it is drawn by.

    -> the files, `folder/module-name-light.svg` and so on. What a picture shows
    may be computed by the package, so a change in that counts as well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    package = FOLDER.parent.parent / "src/nextword"
    drawn_from = [file for file in package.rglob("*.py") if file.relative_to(package).parts[0] not in NOT_DRAWN]
    shared = max(file.stat().st_mtime for file in [FOLDER / "drawing.py", *drawn_from])
    files = []
    for name, function in pictures().items():
        newest = max(shared, Path(inspect.getfile(function)).stat().st_mtime)
        for kind in kinds:
            file = folder / f"{name}-{kind}.{suffix}"
            files += [file] if only in name else []
            if only in name and not (file.exists() and file.stat().st_mtime > newest):
                draw(function, INKS[kind], file)
    return files


def draw(function: Callable[[Ink], Figure], ink: Ink, file: Path) -> None:
    """Draw one picture into a file; its suffix says in which format."""
    svg = file.suffix == ".svg"
    with matplotlib.rc_context(style(ink)), one_thread():
        figure = function(ink)
        figure.savefig(
            file,
            bbox_inches="tight",
            pad_inches=0.06,
            facecolor="none" if svg else ink.paper,
            dpi=110,
            metadata={"Date": None} if svg else None,
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread meanwhile: with models as small as these, threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sheet(height: float, rows: int = 1, columns: int = 1, **options: object) -> tuple[Figure, list[Axes]]:
    """An empty figure as wide as the text, and its axes in reading order."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure for a diagram: no axes are seen, units are equal in both directions, y goes up."""
    figure = Figure(figsize=(WIDTH, WIDTH * height / width))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return figure, ax


def box(
    ax: Axes,
    ink: Ink,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str = "",
    color: str = "",
    **words: object,
) -> None:
    """A box with a text in it, its lower left corner at (x, y)."""
    edge = color or ink.muted
    shape = FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.1, edgecolor=edge,
        facecolor=ink.soft(edge, 0.16) if color else ink.fill,
    )  # fmt: skip
    ax.add_patch(shape)
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", **words)


def arrow(
    ax: Axes, ink: Ink, start: tuple[float, float], end: tuple[float, float], color: str = "", **options: object
) -> None:
    """An arrow from one point to another."""
    settings = {"arrowstyle": "-|>", "mutation_scale": 9, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0} | options
    ax.add_patch(FancyArrowPatch(start, end, color=color or ink.muted, **settings))


def cells(
    ax: Axes,
    ink: Ink,
    values: list[list[float]],
    texts: list[list[str]],
    colors: Colormap,
    limits: tuple[float, float],
    size: float = 8.5,
) -> None:
    """A matrix as coloured cells with their numbers in them."""
    low, high = limits
    ax.imshow(values, cmap=colors, vmin=low, vmax=high, aspect="auto")
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            share = (values[row][column] - low) / (high - low)
            color = ink.on(colors(min(1.0, max(0.0, share))))
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    ax.set_xticks([i - 0.5 for i in range(1, len(texts[0]))], minor=True)
    ax.set_yticks([i - 0.5 for i in range(1, len(texts))], minor=True)
    ax.grid(which="minor", color=ink.paper, linewidth=1.5)
    ax.tick_params(which="both", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
