"""Orientation: pieces of our tensors for a user model's matrices and vectors, transposed or not."""

from dataclasses import dataclass

from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.weights.matching.observation import Observation
from nextword.weights.matching.places import Piece, Places
from nextword.weights.matching.units import Named, Unit

WHOLE = slice(None)


@dataclass
class Found:
    """The result so far: the places of our tensors, and what was peculiar."""

    places: Places
    notes: list[str]

    def note(self, text: str) -> None:
        """Remember something peculiar, once."""
        if text not in self.notes:
            self.notes.append(text)


class Orientation:
    """Which way round a module keeps its matrices, if their shapes do not say."""

    def __init__(self, units: list[Unit], config: GPTConfig, observed: Observation):
        self._observed = observed
        C = config.n_embd
        # A matrix with a bias says it: the bias is as long as what comes out. Its class keeps all in one way.
        self._of_class: dict[type, bool] = {}
        self._of_raw: bool | None = None
        for unit in units:
            if unit.weight is None or unit.bias is None or len(unit.weight.shape) != 2 or known_way(unit) is not None:
                continue
            rows, columns = unit.weight.shape
            out = unit.bias.tensor.numel()
            if rows != columns and out in (rows, columns) and {rows, columns} <= {C, 3 * C, 4 * C}:
                if unit.alone:
                    self._of_class[type(unit.module)] = out == columns
                else:
                    self._of_raw = out == columns

    def in_out(self, unit: Unit) -> bool:
        """Whether a unit's matrix is kept as (in, out). By its class, by the watched product, by others like it."""
        assert unit.weight is not None
        known = known_way(unit)
        if known is None:
            known = self._observed.in_out(unit.weight.tensor)
        if known is None:
            known = self._of_class.get(type(unit.module)) if unit.alone else self._of_raw
        if known is None:  # x @ W is how one writes it with a W of one's own, and a class imitates nn.Linear
            known = not unit.alone or type(unit.module).__name__.lower() == "conv1d"
        return known

    def matrix(self, unit: Unit, n_out: int, n_in: int, rows: slice = slice(None)) -> Piece | None:
        """Build the piece of ours, (n_out, n_in), that a unit's matrix holds, or None."""
        assert unit.weight is not None
        shape = unit.weight.shape
        if shape not in ((n_out, n_in), (n_in, n_out)):
            return None
        in_out = shape == (n_in, n_out) if n_in != n_out else self.in_out(unit)
        if in_out:
            return Piece(unit.weight.name, unit.weight.tensor, rows, lambda p: plain(p).T, "transposed")
        return Piece(unit.weight.name, unit.weight.tensor, rows, plain)


def known_way(unit: Unit) -> bool | None:
    """Whether a class of known orientation keeps its matrix as (in, out)."""
    if isinstance(unit.module, nn.Linear | nn.Embedding | nn.Conv1d):
        return False
    kind = type(unit.module)
    return True if (kind.__module__.partition(".")[0], kind.__name__) == ("transformers", "Conv1D") else None


def plain(parameter: Tensor) -> Tensor:
    """View a parameter without its dimensions of 1."""
    return parameter.squeeze()


def place_bias(name: str, parts: list[tuple[Unit, slice, slice]], whose: str, found: Found) -> None:
    """Match a bias in one or several units: (unit, rows of ours, rows of its own); note a missing one."""
    found.places[name] = [vector(unit.bias, rows, own) for unit, rows, own in parts if unit.bias is not None]
    missing = [unit.path.split(".") for unit, _, _ in parts if unit.bias is None]
    if missing:
        found.note(f"no bias for {whose} ({', '.join(shortened(missing))})")


def vector(parameter: Named, rows: slice = WHOLE, own: slice = WHOLE) -> Piece:
    """Build the piece of a parameter, or of some rows of it, that has no orientation."""
    if own == WHOLE:
        return Piece(parameter.name, parameter.tensor, rows)
    return Piece(parameter.name, parameter.tensor, rows, lambda p: p[own])


def shortened(paths: list[list[str]]) -> list[str]:
    """Shorten paths to their last parts, each once, and at most three of them."""
    short = list(dict.fromkeys(".".join(path[-2:] if path[-1].isdigit() else path[-1:]) for path in paths))
    return short if len(short) <= 3 else [*short[:3], "..."]
