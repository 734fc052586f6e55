"""Numbers that know what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor


class Axis(NamedTuple):
    """One dimension of an array: what it counts, and what each place on it is called."""

    name: str
    labels: Sequence[str]


class Found(NamedTuple):
    """One number of a labelled array: the labels of its place, and how large it is."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Labelled:
    """An array with words to it: what its axes count, what their places are called, what the numbers mean.

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

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.values.shape

    def top(self, n: int = 10) -> list[Found]:
        """The n largest numbers with their labels, the largest first; of equals the earlier."""
        flat = np.where(np.isnan(self.values), -np.inf, self.values).ravel()
        order = np.argsort(-flat, kind="stable")[:n]
        places = [np.unravel_index(i, self.shape) for i in order if flat[i] != -np.inf]
        return [
            Found(
                tuple(axis.labels[int(i)] for axis, i in zip(self.axes, place, strict=True)), float(self.values[place])
            )
            for place in places
        ]

    def plot(self, file: str | Path | None = None) -> "Figure":
        """Draw it: bars for one axis, a map of colours for two, the last two where there are more.

        Gives back matplotlib's figure, and writes it to the file, if one is
        named, in the format that its name ends in (.png, .svg, .pdf).
        """
        from nextword.lens.drawing import draw, save

        figure = draw(self)
        if file is not None:
            save(figure, Path(file))
        return figure


def numbers(x: "Tensor") -> NDArray[np.floating[Any]]:
    """A tensor's numbers, on the CPU, in float32 unless they are more exact."""
    x = x.detach().cpu()
    return (x if x.itemsize == 8 else x.float()).numpy()
