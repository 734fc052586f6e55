"""Matching of attention: the weights of query, key, value and output."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from nextword.config import GPTConfig
from nextword.weights.matching.matrices import WHOLE, Found, Orientation, place_bias, plain
from nextword.weights.matching.observation import Observation
from nextword.weights.matching.places import MatchingError, Piece
from nextword.weights.matching.units import Unit, distinct

QUERY = {"q", "query", "queries", "qs", "que"}
KEY = {"k", "key", "keys", "ks"}
VALUE = {"v", "value", "values", "vs", "val"}
FUSED = {"qkv", "kqv"}
OUT = {"o", "out", "output", "proj", "projection", "final", "unify", "merge", "mix", "dense", "last", "resid"}


def attention(
    units: list[Unit], config: GPTConfig, way: Orientation, observed: Observation, below: str, found: Found
) -> None:
    """Match c_attn and c_proj, whether q, k and v are in one matrix or several."""
    C, H = config.n_embd, config.n_head
    D = C // H
    matrices = distinct(unit for unit in units if unit.is_matrix)
    squares = [unit for unit in matrices if unit.size == C * C]
    fused, keys_and_values, a_third_of_a_head, a_head = (
        [unit for unit in matrices if unit.size == size] for size in (3 * C * C, 2 * C * C, C * D, 3 * C * D)
    )
    if C == 3 * D:  # a head's own q, k and v are as many as a whole query then
        a_head = [unit for unit in squares if FUSED & set(unit.words(below))]
    if len(fused) == 1:
        parts = [(fused[0], slice(0, 3 * C), WHOLE)]
    elif keys_and_values and squares:
        query = next((unit for unit in squares if QUERY & set(unit.words(below))), squares[0])
        parts = [(query, slice(0, C), WHOLE), (keys_and_values[0], slice(C, 3 * C), WHOLE)]
    elif C != D and len(a_third_of_a_head) == 3 * H:
        ordered = by_heads(a_third_of_a_head, below)
        parts = [(unit, slice(i * D, (i + 1) * D), WHOLE) for i, unit in enumerate(ordered)]
    elif C != D and len(a_head) == H:
        parts = [
            (unit, slice(i * C + head * D, i * C + (head + 1) * D), slice(i * D, (i + 1) * D))
            for i in range(3)
            for head, unit in enumerate(a_head)
        ]
    else:
        roles = square_roles(squares, observed, below)
        parts = [(unit, slice(i * C, (i + 1) * C), WHOLE) for i, role in enumerate("qkv") if (unit := roles[role])]
    if sum(rows.stop - rows.start for _, rows, _ in parts) != 3 * C:
        raise MatchingError("no query, key and value")
    used = {unit for unit, _, _ in parts}
    out = choose_out([unit for unit in squares if unit not in used], below)
    found.places["c_attn.weight"] = [of_rows(unit, rows, own, config, way) for unit, rows, own in parts]
    place_bias("c_attn.bias", parts, "q, k, v", found)
    if out is None:
        found.note("attention has no projection at its end")
        return
    found.places["c_proj.weight"] = [square(out, WHOLE, config, way, is_out=True)]
    place_bias("c_proj.bias", [(out, WHOLE, WHOLE)], "attention's projection", found)


def of_rows(unit: Unit, rows: slice, own: slice, config: GPTConfig, way: Orientation) -> Piece:
    """Build the piece of c_attn's matrix that a unit's rows hold."""
    C = config.n_embd
    assert unit.weight is not None
    n_out = (rows.stop - rows.start) * (1 if own == WHOLE else 3)
    if n_out == C and own == WHOLE:
        return square(unit, rows, config, way)
    piece = way.matrix(unit, n_out, C, rows)
    if piece is None:
        raise MatchingError(f"{unit.weight.name} of the shape {unit.weight.shape} in the place of q, k and v")
    return piece if own == WHOLE else replace(piece, see=lambda p: piece.see(p)[own])


def square(unit: Unit, rows: slice, config: GPTConfig, way: Orientation, is_out: bool = False) -> Piece:
    """Build the piece of ours (C, C) that a unit holds, with or without a dimension for heads."""
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
        raise MatchingError("no query, key and value")
    return Piece(parameter.name, parameter.tensor, rows, views[shape], "by heads")


def choose_out(squares: list[Unit], below: str) -> Unit | None:
    """Choose the projection at attention's end among the C x C matrices left: by name, else the last."""
    named = [unit for unit in squares if OUT & set(unit.words(below))]
    candidates = named or squares
    return candidates[-1] if candidates else None


def square_roles(squares: list[Unit], observed: Observation, below: str) -> dict[str, Unit | None]:
    """Match C x C matrices to q, k, v and the output. First by name, then by effect, then by order."""
    roles: dict[str, Unit | None] = dict.fromkeys("qkvo")
    for unit in squares:
        role = named_role(unit, below)
        if role is not None and roles[role] is None:
            roles[role] = unit
    left = [unit for unit in squares if unit not in roles.values()]
    empty = [role for role in "qkvo" if roles[role] is None]
    if len(left) > 1 and len(left) == len(empty):
        left = sorted_by_effect(left, observed, empty)
    roles.update(zip(empty, left, strict=False))
    return roles


def sorted_by_effect(units: list[Unit], observed: Observation, roles: list[str]) -> list[Unit]:
    """Sort unnamed matrices into the order of these roles, if their effects are clear; else leave them.

    One token's result does not depend on q and k, and the output's is multiplied last.
    """
    tensors = {unit: unit.weight.tensor for unit in units if unit.weight is not None}
    idle = [unit for unit in units if observed.is_idle(tensors[unit])]
    busy = [unit for unit in units if unit not in idle]
    if len(idle) != len([role for role in roles if role in "qk"]):
        return units
    turns = [observed.turn(tensors[unit]) for unit in busy]
    known = [turn for turn in turns if turn is not None]
    if len(known) == len(busy):
        busy = [unit for _, unit in sorted(zip(known, busy, strict=True), key=lambda pair: pair[0])]
    return [*idle, *busy]


def named_role(unit: Unit, below: str) -> str | None:
    """Read the role, q, k, v or o, from a unit's path."""
    for part in reversed(unit.words(below)):
        for role, names, long in (("q", QUERY, "quer"), ("k", KEY, "key"), ("v", VALUE, "value")):
            if part in names or long in part:
                return role
    return "o" if OUT & set(unit.words(below)) else None


def by_heads(units: list[Unit], below: str) -> list[Unit]:
    """Order three small matrices a head, all queries first. By name, else head by head or role by role."""
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
    return [unit for role in lists for unit in role]
