"""What each weight of a block is: attention's, the MLP's, or a LayerNorm's."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from nextword.model.config import GPTConfig
from nextword.weights.adoption.places import AdoptionError, Piece, Places
from nextword.weights.adoption.units import Named, Unit
from nextword.weights.adoption.watching import Watch

QUERY = {"q", "query", "queries", "qs", "que"}
KEY = {"k", "key", "keys", "ks"}
VALUE = {"v", "value", "values", "vs", "val"}
OUT = {
    "o",
    "out",
    "output",
    "proj",
    "projection",
    "final",
    "unify",
    "merge",
    "mix",
    "dense",
    "last",
    "resid",
    "combine",
}
UP = {"up", "in", "fc", "expand", "first", "hidden", "inner", "1", "widen"}
DOWN = {"down", "out", "proj", "projection", "contract", "second", "shrink", "2", "output", "narrow"}
BEFORE_MLP = {"mlp", "ff", "ffn", "ffwd", "feed", "feedforward", "post", "second"}
BEFORE_ATTENTION = {"attn", "attention", "att", "sa", "input", "first", "pre"}


@dataclass
class Found:
    """What was found out so far: where our tensors are, and what was peculiar."""

    places: Places
    notes: list[str]

    def note(self, text: str) -> None:
        """Remember something peculiar, once."""
        if text not in self.notes:
            self.notes.append(text)


class Orientation:
    """Which way round matrices are kept, where their shape does not say."""

    def __init__(self, units: list[Unit], config: GPTConfig, watch: Watch):
        self._watch = watch
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
        """Whether a unit's matrix is kept as (in, out): by its class, by what is seen of it, by others like it."""
        assert unit.weight is not None
        known = known_way(unit)
        if known is None:
            known = self._watch.in_out(unit.weight.tensor)
        if known is None:
            known = self._of_class.get(type(unit.module)) if unit.alone else self._of_raw
        if known is None:  # x @ W is how one writes it with a W of one's own, and a class imitates nn.Linear
            known = not unit.alone
        return known

    def matrix(self, unit: Unit, n_out: int, n_in: int, rows: slice = slice(None)) -> Piece | None:
        """The piece of ours, (n_out, n_in), that a unit's matrix is; None where it can't be."""
        assert unit.weight is not None
        shape = unit.weight.shape
        if shape not in ((n_out, n_in), (n_in, n_out)):
            return None
        in_out = shape == (n_in, n_out) if n_in != n_out else self.in_out(unit)
        if in_out:
            return Piece(unit.weight.name, unit.weight.tensor, rows, lambda p: plain(p).T, "transposed")
        return Piece(unit.weight.name, unit.weight.tensor, rows, plain)


def known_way(unit: Unit) -> bool | None:
    """Whether a class whose way is known keeps its matrix as (in, out)."""
    if isinstance(unit.module, nn.Linear | nn.Embedding | nn.Conv1d):
        return False
    return True if unit.alone and type(unit.module).__name__.lower() == "conv1d" else None


def plain(parameter: Tensor) -> Tensor:
    """A parameter without its dimensions of 1."""
    return parameter.squeeze()


def attention(units: list[Unit], config: GPTConfig, way: Orientation, watch: Watch, below: str, found: Found) -> None:
    """Place c_attn and c_proj: q, k, v in one matrix, in three, or in three a head."""
    C, D = config.n_embd, config.n_embd // config.n_head
    matrices = [unit for unit in units if unit.is_matrix]
    of_size = {size: [unit for unit in matrices if unit.size == size] for size in {3 * C * C, 2 * C * C, C * C, C * D}}
    squares = of_size[C * C]
    if len(of_size[3 * C * C]) == 1:
        fused = of_size[3 * C * C]
        pieces = [way.matrix(fused[0], 3 * C, C)]
        biases = [(fused[0], slice(None))]
        out = choose_out(squares, below)
    elif of_size[2 * C * C] and squares:
        both = of_size[2 * C * C][0]
        query = next((u for u in squares if QUERY & set(u.words(below))), squares[0])
        fused = [query, both]
        biases = [(query, slice(0, C)), (both, slice(C, 3 * C))]
        pieces = [way.matrix(query, C, C, slice(0, C)), way.matrix(both, 2 * C, C, slice(C, 3 * C))]
        out = choose_out([u for u in squares if u is not query], below)
    elif C != D and len(of_size[C * D]) == 3 * config.n_head:
        fused, biases = by_heads(of_size[C * D], D, C, below)
        pieces = [way.matrix(unit, D, C, rows) for unit, rows in biases]
        out = choose_out(squares, below)
    else:
        roles = square_roles(squares, watch, below)
        if any(roles[role] is None for role in "qkv"):
            raise AdoptionError("no query, key and value")
        fused = [unit for role in "qkv" if (unit := roles[role]) is not None]
        biases = [(unit, slice(i * C, (i + 1) * C)) for i, unit in enumerate(fused)]
        pieces = [square(unit, rows, config, way) for unit, rows in biases]
        out = roles["o"]
    if None in pieces:
        raise AdoptionError("no query, key and value")
    found.places["c_attn.weight"] = [piece for piece in pieces if piece is not None]
    place_bias("c_attn.bias", biases, "q, k, v", found)
    if out is None:
        found.note("attention has no projection at its end")
        return
    found.places["c_proj.weight"] = [square(out, slice(None), config, way, is_out=True)]
    place_bias("c_proj.bias", [(out, slice(None))], "attention's projection", found)


def square(unit: Unit, rows: slice, config: GPTConfig, way: Orientation, is_out: bool = False) -> Piece:
    """The piece of ours, (C, C), that a unit of C x C numbers is: a matrix, or one with a dimension for the heads."""
    C, H = config.n_embd, config.n_head
    D = C // H
    assert unit.weight is not None
    shape, parameter = unit.weight.shape, unit.weight
    if len(shape) == 2:
        piece = way.matrix(unit, C, C, rows)
        assert piece is not None
        return piece
    views: dict[tuple[int, ...], Callable[[Tensor], Tensor]]
    if is_out:
        views = {(H, D, C): lambda p: p.permute(2, 0, 1), (C, H, D): plain, (H, C, D): lambda p: p.permute(1, 0, 2)}
    else:
        views = {(H, C, D): lambda p: p.permute(0, 2, 1), (H, D, C): plain, (C, H, D): lambda p: p.permute(1, 2, 0)}
    if shape not in views:
        raise AdoptionError("no query, key and value")
    return Piece(parameter.name, parameter.tensor, rows, views[shape], "by heads")


def place_bias(name: str, parts: list[tuple[Unit, slice]], whose: str, found: Found) -> None:
    """Place a bias that is in one or several units; note where there is none."""
    have = [(unit, unit.bias, rows) for unit, rows in parts if unit.bias is not None]
    missing = [unit.path.rpartition(".")[2] for unit, _ in parts if unit.bias is None]
    if missing:
        found.note(f"no bias for {whose} ({', '.join(shortened(missing))})")
    if have and missing:
        return  # ours would be kept in part only; what is there stays as it is
    found.places[name] = [vector(bias, rows) for _, bias, rows in have]


def vector(parameter: Named, rows: slice = slice(None)) -> Piece:
    """The piece that a parameter is which has no other way round."""
    return Piece(parameter.name, parameter.tensor, rows)


def shortened(names: list[str]) -> list[str]:
    """Each name once, and at most three of them."""
    short = list(dict.fromkeys(names))
    return short if len(short) <= 3 else [*short[:3], "..."]


def choose_out(squares: list[Unit], below: str) -> Unit | None:
    """The projection at attention's end, among the C x C matrices that are left: by name, else the last."""
    named = [unit for unit in squares if OUT & set(unit.words(below))]
    candidates = named or squares
    return candidates[-1] if candidates else None


def square_roles(squares: list[Unit], watch: Watch, below: str) -> dict[str, Unit | None]:
    """Which C x C matrix is q, k, v and the output's: by name, then by what is seen of them, then by order."""
    roles: dict[str, Unit | None] = dict.fromkeys("qkvo")
    for unit in squares:
        role = named_role(unit, below)
        if role is not None and roles[role] is None:
            roles[role] = unit
    left = [unit for unit in squares if unit not in roles.values()]
    empty = [role for role in "qkvo" if roles[role] is None]
    if len(left) > 1 and len(left) == len(empty):
        left = sorted_by_effect(left, watch, empty)
    roles.update(zip(empty, left, strict=False))
    return roles


def sorted_by_effect(units: list[Unit], watch: Watch, roles: list[str]) -> list[Unit]:
    """Unnamed matrices in the order of these roles, if what is seen of them is clear; else as they are.

    One token's result does not depend on q and k, and the output's is multiplied last.
    """
    tensors = {unit: unit.weight.tensor for unit in units if unit.weight is not None}
    idle = [unit for unit in units if watch.is_idle(tensors[unit])]
    busy = [unit for unit in units if unit not in idle]
    if len(idle) != len([role for role in roles if role in "qk"]):
        return units
    turns = [watch.turn(tensors[unit]) for unit in busy]
    known = [turn for turn in turns if turn is not None]
    if len(known) == len(busy):
        busy = [unit for _, unit in sorted(zip(known, busy, strict=True), key=lambda pair: pair[0])]
    return [*idle, *busy]


def named_role(unit: Unit, below: str) -> str | None:
    """q, k, v or o, by the last word of a unit's path that says so."""
    for part in reversed(unit.words(below)):
        for role, names in (("q", QUERY), ("k", KEY), ("v", VALUE)):
            if part in names:
                return role
    return "o" if OUT & set(unit.words(below)) else None


def by_heads(units: list[Unit], D: int, C: int, below: str) -> tuple[list[Unit], list[tuple[Unit, slice]]]:
    """Three small matrices a head, each with its rows in c_attn: by name, else head by head or role by role."""
    n = len(units) // 3
    by_role: dict[str | None, list[Unit]] = {}
    for unit in units:
        by_role.setdefault(named_role(unit, below), []).append(unit)
    if all(len(by_role.get(role, ())) == n for role in "qkv"):
        lists = [by_role[role] for role in "qkv"]
    else:
        holders = [unit.path.rpartition(".")[0] for unit in units]
        together = len(set(holders)) == n
        lists = [units[i::3] if together else units[i * n : (i + 1) * n] for i in range(3)]
    ordered = [unit for role in lists for unit in role]
    return ordered, [(unit, slice(i * D, (i + 1) * D)) for i, unit in enumerate(ordered)]


def mlp(units: list[Unit], config: GPTConfig, way: Orientation, below: str, found: Found) -> None:
    """Place c_fc and c_proj."""
    C = config.n_embd
    wide = [unit for unit in units if unit.is_matrix and unit.weight and set(unit.weight.shape) == {C, 4 * C}]
    if len(wide) != 2:
        raise AdoptionError(f"{len(wide)} matrices between n_embd and 4 n_embd, and not two")
    first, second = wide
    ups = [goes_up(unit, C, way, below) for unit in wide]
    if ups == [False, True] or (None in ups and (ups[0] is False or ups[1] is True)):
        first, second = second, first
    for name, unit, n_out, n_in in (("c_fc", first, 4 * C, C), ("c_proj", second, C, 4 * C)):
        piece = way.matrix(unit, n_out, n_in)
        assert piece is not None
        found.places[f"{name}.weight"] = [piece]
        place_bias(
            f"{name}.bias", [(unit, slice(None))], f"the MLP's {'first' if name == 'c_fc' else 'second'} half", found
        )


def goes_up(unit: Unit, C: int, way: Orientation, below: str) -> bool | None:
    """Whether a matrix makes 4 C numbers of C: by its class, its bias, its name, or what is seen; None if unclear."""
    assert unit.weight is not None
    rows = unit.weight.shape[0]
    known = known_way(unit)
    if known is not None:
        return (rows == C) == known
    if unit.bias is not None:
        return unit.bias.tensor.numel() == 4 * C
    names = set(unit.words(below))
    if bool(UP & names) != bool(DOWN & names):
        return bool(UP & names)
    return (rows == C) == way.in_out(unit)


def layer_norm(unit: Unit | None, name: str, found: Found) -> None:
    """Place the scale and the shift of a LayerNorm."""
    if unit is None:
        found.note(f"no {name}")
        return
    if unit.weight is not None:
        found.places[f"{name}.weight"] = [vector(unit.weight)]
    if unit.bias is not None:
        found.places[f"{name}.bias"] = [vector(unit.bias)]
    if unit.weight is None or unit.bias is None:
        found.note(f"{name} has no {'weight' if unit.weight is None else 'bias'}")


def block_norms(norms: list[Unit], parts: dict[str, set[Unit]], below: str, found: Found) -> None:
    """Place ln_1 and ln_2: by which half they stand in, then by name, then by order."""
    halves = {unit: half_of(unit, parts, below) for unit in norms}
    first = [unit for unit in norms if halves[unit] == 1]
    second = [unit for unit in norms if halves[unit] == 2]
    unclear = [unit for unit in norms if halves[unit] is None]
    if len(norms) == 1 and unclear:
        found.note(f"one LayerNorm ({unclear[0].path}) in the place of two")
        first = second = unclear
    elif len(norms) > 1 and not (len(first) == len(second) == 1):
        unclear.sort(key=lambda unit: [int(word) for word in unit.words(below) if word.isdigit()][-1:])
        if len(first) != 1 and len(second) != 1:
            first, second = norms[:1], norms[1:2]
            if len(unclear) == len(norms):
                first, second = unclear[:1], unclear[1:2]
        elif unclear:
            first, second = first if len(first) == 1 else unclear[:1], second if len(second) == 1 else unclear[:1]
    layer_norm(first[0] if first else None, "ln_1", found)
    layer_norm(second[0] if second else None, "ln_2", found)


def half_of(unit: Unit, parts: dict[str, set[Unit]], below: str) -> int | None:
    """1 for a LayerNorm of attention's, 2 for one of the MLP's, None where that is not clear."""
    path = unit.path
    while len(path) > len(below):
        path = path.rpartition(".")[0]
        if len(path) <= len(below):
            break
        beside = {name for name, units in parts.items() if any(u.path.startswith(f"{path}.") for u in units)}
        if len(beside) == 1:
            return 1 if "attn" in beside else 2
        if beside:
            break
    found = set(unit.words(below))
    if BEFORE_MLP & found:
        return 2
    return 1 if BEFORE_ATTENTION & found else None
