"""Matching of the tables: tokens, positions, and a head with weights of its own."""

from collections.abc import Callable

from torch import Tensor, nn

from nextword.config import GPTConfig
from nextword.weights.matching.matrices import Found, plain, vector
from nextword.weights.matching.places import MatchingError, Piece
from nextword.weights.matching.units import Named, Unit, words

POSITIONS = {"pos", "position", "positions", "positional", "wpe", "pe", "p"}
HEAD = {"head", "lm", "unembed", "unembedding", "logits", "out", "output", "classifier", "u", "decoder", "proj", "fc"}


def tables(outside: list[Unit], config: GPTConfig, found: Found) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Match wte and wpe -> the pieces of a head of its own, and those of its bias."""
    V, N, C = config.n_vocab, config.n_ctx, config.n_embd
    flat = [unit for unit in outside if unit.weight is not None and len(unit.weight.shape) <= 2]
    by_tensor: dict[int, list[Unit]] = {}
    for unit in flat:
        assert unit.weight is not None
        if is_table(unit.weight, V, C) or is_table(unit.weight, N, C):
            by_tensor.setdefault(id(unit.weight.tensor), []).append(unit)
    distinct = [units[0] for units in by_tensor.values()]
    sized = {size: [u for u in distinct if u.weight is not None and is_table(u.weight, size, C)] for size in (V, N)}
    positions = choose_positions(sized[N], also_tokens=V == N)
    tokens = [unit for unit in sized[V] if unit is not positions]
    heads = [unit for unit in tokens if looks_like_head(unit)]
    embeddings = [unit for unit in tokens if unit not in heads] or heads[:1]
    if not embeddings or embeddings[0].weight is None:
        raise MatchingError(f"no table of {V} x {C} for the tokens")
    own = [unit for unit in tokens if unit is not embeddings[0]]
    found.places["wte.weight"] = [table(embeddings[0].weight, V, C)]
    if positions is None or positions.weight is None:
        found.note("positions are not learned: there is no table for them")
    else:
        found.places["wpe.weight"] = [table(positions.weight, N, C)]
    head = [table(unit.weight, V, C) for unit in own[:1] if unit.weight is not None]
    if head:
        found.note(f"the head has weights of its own ({head[0].name})")
    users = [*by_tensor[id(embeddings[0].weight.tensor)], *own[:1]]
    biases = [unit.bias for unit in users if unit.bias is not None]
    lone = [part for unit in outside if not unit.is_matrix for part in (unit.weight, unit.bias) if part is not None]
    biases += [part for part in lone if part.tensor.shape == (V,) and V != C]
    if biases:
        found.note(f"the head has a bias ({biases[0].name})")
    return tuple(head), tuple(vector(bias) for bias in biases)


def is_table(parameter: Named, rows: int, C: int) -> bool:
    """Whether a parameter is (rows, C) or (C, rows), apart from dimensions of 1."""
    return plain(parameter.tensor).shape in ((rows, C), (C, rows))


def table(parameter: Named, rows: int, C: int) -> Piece:
    """Build the piece of ours, (rows, C), that a table holds."""
    if plain(parameter.tensor).shape == (rows, C):
        return Piece(parameter.name, parameter.tensor, see=plain)
    see: Callable[[Tensor], Tensor] = lambda p: plain(p).T  # noqa: E731
    return Piece(parameter.name, parameter.tensor, see=see, how="transposed")


def choose_positions(candidates: list[Unit], also_tokens: bool) -> Unit | None:
    """Choose the position table: by name, else the last.

    If it could be the tokens' as well, it is the second embedding.
    """
    named = [unit for unit in candidates if POSITIONS & set(unit.words()) or "pos" in "".join(unit.words())]
    if named:
        return named[0]
    if not also_tokens:
        return candidates[-1] if candidates else None
    rest = [unit for unit in candidates if not looks_like_head(unit)]
    return rest[1] if len(rest) > 1 else None


def looks_like_head(unit: Unit) -> bool:
    """Whether a table is used to score tokens, and not to look them up."""
    if isinstance(unit.module, nn.Embedding):
        return False
    return (
        isinstance(unit.module, nn.Linear)
        or unit.bias is not None
        or bool(HEAD & set(words(unit.path.rpartition(".")[2])))
    )
