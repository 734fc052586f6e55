"""The places of our tensors in a user model, and the copying of numbers there and back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.errors import WeightsError
from nextword.weights.names import TABLE, tensor_names

PREFIXES = {"gpt": "", "block": "h.0.", "attention": "h.0.attn.", "mlp": "h.0.mlp.", "layer_norm": "h.0.ln_1."}
"""What stands before a part's own names in the names of a whole GPT."""


class MatchingError(WeightsError):
    """A module in which GPT-2's parameters cannot be found."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows of one of our tensors, and the part of a user model's parameter that holds them.

    see: the parameter -> a view of that part, which may have the rows' numbers
    in more dimensions: `ours[rows].reshape(view.shape)` are its numbers. how:
    what is unlike ours about it, in a word, or "".
    """

    name: str
    parameter: Tensor
    rows: slice = field(default_factory=lambda: slice(None))
    see: Callable[[Tensor], Tensor] = lambda parameter: parameter
    how: str = ""

    def view(self) -> Tensor:
        """View the part itself: writing into it writes into the parameter."""
        return self.see(self.parameter.detach())


Places = dict[str, list[Piece]]
"""Our name -> the pieces that it is kept in; no pieces where the user model has no place for it."""


@dataclass(frozen=True, eq=False)
class Matching:
    """A user model with every parameter matched: our tensors can be loaded and exported.

    notes: what is peculiar about the user model, in words. missing: our names that it has no place for. own_head: the
    name of a head weight that is not tied to the embedding, or None. extra: its parameters that GPT-2 does not have.
    """

    shapes: Mapping[str, tuple[int, ...]]
    places: Places
    notes: tuple[str, ...] = ()
    own_head: str | None = None
    extra: tuple[str, ...] = ()
    head: tuple[Piece, ...] = ()
    zeros: tuple[Piece, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Our names that the user model has no place for, in our order."""
        return tuple(name for name in self.shapes if not self.places.get(name))

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy tensors under our names, shaped as GPT's, into the user model's parameters, in their types.

        What it has no place for is left out. A head of its own gets the
        embedding's numbers, and its bias zeros. Where it keeps two of our
        tensors in one parameter, the first one in our order stays. Raises
        WeightsError, before anything is changed, for a tensor that is not
        given or has another shape.
        """
        for name, shape in self.shapes.items():
            if name not in tensors:
                raise WeightsError(f"There is no {name}, of the shape {shape}, among the {len(tensors)} tensors given.")
            if tuple(tensors[name].shape) != shape:
                raise WeightsError(f"{name} must have the shape {shape}, and has {tuple(tensors[name].shape)}.")
        written: set[tuple[int, torch.Size]] = set()
        with torch.no_grad():
            for name in self.shapes:
                for piece in self.places.get(name, ()):
                    view = piece.view()
                    if (view.data_ptr(), view.shape) not in written:
                        written.add((view.data_ptr(), view.shape))
                        view.copy_(tensors[name][piece.rows].reshape(view.shape))
            for piece in self.head:
                view = piece.view()
                view.copy_(tensors["wte.weight"].reshape(view.shape))
            for piece in self.zeros:
                piece.view().zero_()

    def export(self) -> dict[str, Tensor]:
        """Copy the user model's numbers under our names, shaped as GPT's; without those that are `missing`."""
        found = {}
        for name, shape in self.shapes.items():
            pieces = self.places.get(name)
            if not pieces:
                continue
            ours = torch.zeros(shape, dtype=pieces[0].parameter.dtype, device=pieces[0].parameter.device)
            for piece in pieces:
                part = ours[piece.rows]
                part.copy_(piece.view().reshape(part.shape))
            found[name] = ours
        return found

    def parameters(self) -> dict[str, list[str]]:
        """Map our names to the user model's parameters that hold them."""
        return {name: [piece.name for piece in self.places.get(name, ())] for name in self.shapes}

    def describe(self) -> list[str]:
        """List the places, a line a group of parameters; `*` stands for the numbers that differ in it."""
        groups: dict[str, list[str]] = {}
        hows: dict[str, set[str]] = {}
        for name in self.shapes:
            key = re.sub(r"^h\.\d+\.", "h.*.", name)
            groups.setdefault(key, []).extend(piece.name for piece in self.places.get(name, ()))
            hows.setdefault(key, set()).update(piece.how for piece in self.places.get(name, ()) if piece.how)
        lines = []
        for key, names in groups.items():
            how = f" ({', '.join(sorted(hows[key]))})" if hows[key] else ""
            lines.append(f"{key} <- {', '.join(patterns(names))}{how}" if names else f"{key} has no place")
        lines += [f"wte.weight <- {piece.name}, a head of its own" for piece in self.head]
        return lines


def patterns(names: list[str]) -> list[str]:
    """Merge names that differ in numbers only, with `*` for these: h.0.w and h.1.w -> h.*.w"""
    split = [re.split(r"(\d+)", name) for name in dict.fromkeys(names)]
    alike: dict[tuple[str, ...], list[list[str]]] = {}
    for parts in split:
        alike.setdefault(tuple(parts[::2]), []).append(parts)
    return [
        "".join(column[0] if len(set(column)) == 1 else "*" for column in zip(*group, strict=True))
        for group in alike.values()
    ]


def our_shapes(config: GPTConfig, kind: str) -> dict[str, tuple[int, ...]]:
    """Map our names for a part's parameters to their shapes, in our order."""
    if kind == "gpt":
        return {name.ours: name.shape(config) for name in tensor_names(config.n_layer)}
    prefix = PREFIXES[kind].replace("0", "{layer}")
    rows = [row for row in TABLE if row.ours.startswith(prefix)]
    return {row.ours.removeprefix(prefix): row.shape(config) for row in rows}


def listing(module: nn.Module, most: int = 24) -> str:
    """List a module's parameters with their shapes, in a line."""
    found = [f"{name} {tuple(parameter.shape)}" for name, parameter in module.named_parameters()]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return (", ".join(found[:most]) + more) or "none at all"
