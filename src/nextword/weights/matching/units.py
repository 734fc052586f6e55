"""Units of a user model: weights with their biases, and their places in the tree of modules."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from torch import Tensor, nn

from nextword.config import GPTConfig

SCALES = {"weight", "weights", "w", "gamma", "scale", "gain", "g", "alpha", "a"}
SHIFTS = {"bias", "biases", "b", "beta", "shift", "offset"}
MATRICES = {"weight", "weights", "w", "kernel", "matrix", "mat"}
GLUED = re.compile(r"^(w|b)(q|k|v|o|qkv|kv|in|out|up|down|fc|proj)$")
"""Names like Wq and bo, where a letter for weight or bias stands right before what it is."""


@dataclass(frozen=True)
class Named:
    """A parameter and its name, from the outermost module on."""

    name: str
    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without dimensions of 1."""
        return tuple(size for size in self.tensor.shape if size != 1)


@dataclass(frozen=True, eq=False)
class Unit:
    """A weight with its bias, either of which may be missing.

    It is a linear layer, a table or a LayerNorm.

    path: where it is; for parameters that are kept in a larger module, with what their names have in common.
    module: what holds them, and `alone` whether that is all it does.
    """

    path: str
    module: nn.Module
    weight: Named | None
    bias: Named | None
    alone: bool = False

    @property
    def is_matrix(self) -> bool:
        """Whether the weight is a linear layer's or a table's."""
        return self.weight is not None and len(self.weight.shape) > 1

    @property
    def size(self) -> int:
        """The number of numbers in the weight."""
        return 0 if self.weight is None else self.weight.tensor.numel()

    def words(self, below: str = "") -> list[str]:
        """Split the path below another path into words: "attn.W_query" -> ["attn", "w", "query"]."""
        return words(self.path.removeprefix(below))


@dataclass(eq=False)
class Node:
    """A module, or a plain list of them; `registered` unless PyTorch does not know of it."""

    path: str
    module: nn.Module | None
    registered: bool = True
    own: list[Unit] = field(default_factory=list)
    children: list["Node"] = field(default_factory=list)

    def units(self) -> list[Unit]:
        """List all units here and below, in the order of their definition."""
        return [unit for node in self.walk() for unit in node.own]

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()


def distinct(units: Iterable[Unit]) -> list[Unit]:
    """Drop units whose weight another one has. A layer may be an attribute and stand in a Sequential too."""
    return list({id(unit.weight.tensor) if unit.weight else id(unit): unit for unit in reversed([*units])}.values())[
        ::-1
    ]


def take_apart(module: nn.Module, config: GPTConfig) -> Node:
    """Build the tree of a user model's modules, with those in plain lists, unknown to PyTorch."""
    return node_of(module, "", config, {id(known) for known in module.modules()}, (), True)


def node_of(
    module: nn.Module, path: str, config: GPTConfig, known: set[int], above: tuple[int, ...], registered: bool
) -> Node:
    """Build the node of a module. known: the modules that PyTorch knows. above: those that this one is in."""
    node = Node(path, module, registered)
    above = (*above, id(module))
    children = [(name, child) for name, child in module._modules.items() if child is not None]
    raw: list[tuple[str, Tensor]] = [(name, p) for name, p in module._parameters.items() if p is not None]
    raw += [(n, t) for n, t in vars(module).items() if isinstance(t, Tensor) and t.requires_grad and t.is_leaf]
    named = [Named(joined(path, name), tensor) for name, tensor in raw if not is_mask(name, tensor, config)]
    units = units_of(named, path, module)
    node.own = [replace(unit, alone=not children and len(units) == 1) for unit in units]
    for name, child in children:
        if id(child) not in above:
            node.children.append(node_of(child, joined(path, name), config, known, above, registered))
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, list | tuple | dict):
            continue
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        strays = [(key, m) for key, m in pairs if isinstance(m, nn.Module) and id(m) not in known]
        if strays:
            group = Node(joined(path, name), None, registered=False)
            for key, stray in strays:
                if id(stray) not in above:
                    group.children.append(node_of(stray, f"{group.path}.{key}", config, known, above, False))
            node.children.append(group)
    return node


def units_of(named: list[Named], path: str, module: nn.Module) -> list[Unit]:
    """Pair a module's own parameters, each weight with the bias of the same stem."""
    stems: dict[str, list[Named]] = {}
    for parameter in named:
        stems.setdefault(stem(own_name(parameter, path)), []).append(parameter)
    units = []
    for common, members in stems.items():
        place = joined(path, common) if common else path
        matrices = [m for m in members if len(m.shape) > 1 and not is_heads_bias(m, members)]
        vectors = [m for m in members if m not in matrices]
        if not matrices:
            units += norms_of(vectors, place, path, module)
        elif len(matrices) == 1:
            units.append(Unit(place, module, matrices[0], vectors[0] if vectors else None))
        else:
            units += [Unit(m.name, module, m, None) for m in matrices]
    return units


def norms_of(vectors: list[Named], place: str, path: str, module: nn.Module) -> list[Unit]:
    """Pair vectors without a matrix: a scale and a shift, or one of them."""
    scale = next((v for v in vectors if SCALES & set(words(own_name(v, path)))), None)
    shift = next((v for v in vectors if v is not scale and SHIFTS & set(words(own_name(v, path)))), None)
    rest = [v for v in vectors if v is not scale and v is not shift]
    if scale is None and rest:
        scale = rest.pop(0)
    if shift is None and rest:
        shift = rest.pop(0)
    return [Unit(place, module, scale, shift)] if vectors else []


def is_heads_bias(parameter: Named, members: list[Named]) -> bool:
    """Whether a parameter (H, D) is the bias of one with three dimensions."""
    return len(parameter.shape) == 2 and any(len(other.shape) == 3 for other in members)


def is_mask(name: str, tensor: Tensor, config: GPTConfig) -> bool:
    """Whether a parameter of the shape (..., n_ctx, n_ctx) is a mask."""
    if tensor.dim() < 2 or tensor.shape[-2:] != (config.n_ctx, config.n_ctx):
        return False
    if {"mask", "tril", "causal"} & set(words(name)):
        return True
    return not tensor.requires_grad and (config.n_ctx != config.n_embd or "bias" in words(name))


def all_parameters(units: Iterable[Unit]) -> list[Named]:
    """List the parameters of all units, each once."""
    named = [part for unit in units for part in (unit.weight, unit.bias) if part is not None]
    return list({id(parameter.tensor): parameter for parameter in reversed(named)}.values())[::-1]


def stem(name: str) -> str:
    """Strip a parameter's name of weight or bias: "c_attn_w" -> "c_attn"."""
    return "_".join(word for word in words(name) if word not in SCALES | SHIFTS | MATRICES)


def words(path: str) -> list[str]:
    """Split a name into words: "attn.W_query" -> ["attn", "w", "query"], "ln2Bias" -> ["ln", "2", "bias"]"""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+", path)
    found = []
    for part in re.findall(r"[a-z]+|\d+", " ".join(parts).lower()):
        glued = GLUED.match(part)
        found += [glued[1], glued[2]] if glued else [part]
    return found


def own_name(parameter: Named, path: str) -> str:
    """Return a parameter's name in the module that holds it."""
    return parameter.name[len(path) + 1 :] if path else parameter.name


def joined(path: str, name: str) -> str:
    """Join a path and a name."""
    return f"{path}.{name}" if path else name
