"""Matching of a block: which weights are attention's, the MLP's or a LayerNorm's."""

from nextword.config import GPTConfig
from nextword.weights.matching.attention import attention
from nextword.weights.matching.matrices import WHOLE, Found, Orientation, known_way, place_bias, vector
from nextword.weights.matching.observation import Observation
from nextword.weights.matching.places import MatchingError
from nextword.weights.matching.units import Unit, distinct

UP = {"up", "in", "fc", "expand", "first", "hidden", "inner", "1", "widen"}
DOWN = {"down", "out", "proj", "projection", "contract", "second", "shrink", "2", "output", "narrow"}
BEFORE_MLP = {"mlp", "ff", "ffn", "ffwd", "feed", "feedforward", "post", "second"}
BEFORE_ATTENTION = {"attn", "attention", "att", "sa", "input", "first", "pre"}


def is_norm(unit: Unit, config: GPTConfig) -> bool:
    """Whether a unit is a LayerNorm over n_embd numbers: vectors, and no matrix."""
    parts = [part for part in (unit.weight, unit.bias) if part is not None]
    return bool(parts) and all(part.tensor.numel() == config.n_embd for part in parts)


def block(
    units: list[Unit], config: GPTConfig, way: Orientation, observed: Observation, below: str, found: Found
) -> None:
    """Match all of a block's units."""
    C = config.n_embd
    norms = [unit for unit in units if is_norm(unit, config)]
    wide = [unit for unit in units if unit.weight is not None and set(unit.weight.shape) == {C, 4 * C}]
    rest = [unit for unit in units if unit.is_matrix and unit not in wide]
    attn, ff = Found({}, found.notes), Found({}, found.notes)
    attention(rest, config, way, observed, below, attn)
    mlp(wide, config, way, below, ff)
    found.places |= {f"attn.{name}": pieces for name, pieces in attn.places.items()}
    found.places |= {f"mlp.{name}": pieces for name, pieces in ff.places.items()}
    block_norms(norms, {"attn": set(rest), "mlp": set(wide)}, below, found)


def mlp(units: list[Unit], config: GPTConfig, way: Orientation, below: str, found: Found) -> None:
    """Match c_fc and c_proj."""
    C = config.n_embd
    matrices = distinct(unit for unit in units if unit.is_matrix)
    wide = [unit for unit in matrices if unit.weight and set(unit.weight.shape) == {C, 4 * C}]
    if len(wide) != 2:
        raise MatchingError(f"{len(wide)} matrices between n_embd and 4 n_embd, and not two")
    first, second = wide
    ups = [goes_up(unit, C, way, below) for unit in wide]
    if ups == [False, True] or (None in ups and (ups[0] is False or ups[1] is True)):
        first, second = second, first
    for name, unit, n_out, n_in in (("c_fc", first, 4 * C, C), ("c_proj", second, C, 4 * C)):
        piece = way.matrix(unit, n_out, n_in)
        assert piece is not None
        found.places[f"{name}.weight"] = [piece]
        place_bias(
            f"{name}.bias", [(unit, WHOLE, WHOLE)], f"the MLP's {'first' if name == 'c_fc' else 'second'} half", found
        )


def goes_up(unit: Unit, C: int, way: Orientation, below: str) -> bool | None:
    """Whether a matrix makes 4 C numbers of C: by class, bias, name or effect; None if unclear."""
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
    """Match the scale and the shift of a LayerNorm."""
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
    """Match ln_1 and ln_2: by the half they stand in, then by name, then by order."""
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
    """Return 1 for a LayerNorm of attention's, 2 for one of the MLP's, None if unclear."""
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
