"""A stranger's whole GPT-2, or a part of one, adopted: its blocks, tables and head, and then what is in each block."""

from collections.abc import Callable, Iterable
from dataclasses import asdict

import torch
from torch import Tensor, nn

from nextword.model.config import GPTConfig
from nextword.weights.adoption.blocks import Found, Orientation, attention, block_norms, layer_norm, mlp, plain, vector
from nextword.weights.adoption.places import Adoption, AdoptionError, Piece, Places, listing, our_shapes
from nextword.weights.adoption.units import Named, Node, Unit, take_apart, words
from nextword.weights.adoption.watching import Watch

KINDS = ("gpt", "block", "attention", "mlp", "layer_norm")
"""What can be adopted: a whole GPT-2, or a part of it."""

POSITIONS = {"pos", "position", "positions", "positional", "wpe", "pe", "p"}
HEAD = {"head", "lm", "unembed", "unembedding", "logits", "out", "output", "classifier", "u", "decoder", "proj", "fc"}
FINAL = {"f", "final", "last", "out", "end", "head", "norm"}

WHAT = {
    "gpt": "token and position tables of {V} x {C} and {N} x {C}, {L} blocks, each with attention ({C} x {C} or "
    "{C} x 3 {C}, in {H} heads) and an MLP ({C} x {F}), and a LayerNorm at the end",
    "block": "attention ({C} x {C} or {C} x 3 {C}, in {H} heads), an MLP ({C} x {F}), and two LayerNorms of {C}",
    "attention": "queries, keys and values ({C} x 3 {C}, three of {C} x {C}, or three a head), and a projection "
    "of {C} x {C}",
    "mlp": "two matrices, {C} x {F} and {F} x {C}",
    "layer_norm": "a weight and a bias of {C} numbers",
}


def adopt(module: nn.Module, config: GPTConfig, kind: str = "gpt") -> Adoption:
    """Find out which of a stranger's parameters is which of GPT-2's; change none.

    kind: what the module is, one of `KINDS`; config: the shape that it was
    built with. Its forward pass is run, once or twice, only where structure,
    shapes and names leave something open, and may fail. Neither which third of
    a fused matrix is used as what nor whether a name is true is looked into: a
    stranger that mixes up queries and keys is adopted as it calls them, and
    goes on to be wrong. Raises AdoptionError where there is no such GPT-2 in it.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    root = take_apart(module, config)
    units = root.units()
    watch = Watch(module, [named.tensor for named in all_parameters(units)], config, kind)
    way = Orientation(units, config, watch)
    found = Found({}, [])
    head: tuple[Piece, ...] = ()
    zeros: tuple[Piece, ...] = ()
    try:
        if kind == "gpt":
            head, zeros = whole(root, config, way, watch, found)
        elif kind == "block":
            block(units, config, way, watch, "", found)
        elif kind == "attention":
            attention(units, config, way, watch, "", found)
        elif kind == "mlp":
            mlp(units, config, way, "", found)
        else:
            norms = [unit for unit in units if is_norm(unit, config)]
            if len(norms) != 1:
                raise AdoptionError(f"{len(norms)} pairs of {config.n_embd} numbers")
            layer_norm(norms[0], "", found)
            found.places = {name.removeprefix("."): pieces for name, pieces in found.places.items()}
            found.notes = [note.strip() for note in found.notes]
    except AdoptionError as error:
        raise AdoptionError(refusal(error, module, config, kind)) from None
    if any(not node.registered for node in root.walk()):
        stray = next(node.path for node in root.walk() if not node.registered)
        found.note(f"{stray} is a plain list: PyTorch does not know the parameters in it")
    check_sizes(found.places, config, kind, module)
    used = {id(p.parameter) for pieces in (*found.places.values(), head, zeros) for p in pieces}
    extra = [n for n in all_parameters(units) if id(n.tensor) not in used]
    if extra:
        found.note(f"what GPT-2 does not have ({', '.join(n.name for n in extra[:4])}{' ...' if extra[4:] else ''})")
    return Adoption(
        shapes=our_shapes(config, kind),
        places=found.places,
        notes=tuple(found.notes),
        own_head=head[0].name if head else None,
        extra=tuple(n.name for n in extra),
        head=head,
        zeros=zeros,
    )


def check_sizes(places: Places, config: GPTConfig, kind: str, module: nn.Module) -> None:
    """Raise AdoptionError unless each piece has as many numbers as the part of ours that it is to hold."""
    for name, shape in our_shapes(config, kind).items():
        for piece in places.get(name, ()):
            expected = torch.empty(shape, device="meta")[piece.rows].numel()
            if piece.parameter.numel() != expected:
                wrong = f"{piece.name} in the place of {name}, which has {expected} numbers"
                raise AdoptionError(refusal(AdoptionError(wrong), module, config, kind))


def refusal(error: AdoptionError, module: nn.Module, config: GPTConfig, kind: str) -> str:
    """What was expected, what was found, and what to do."""
    C = config.n_embd
    sizes = {"V": config.n_vocab, "N": config.n_ctx, "C": C, "F": 4 * C, "L": config.n_layer, "H": config.n_head}
    given = ", ".join(f"{key} {size}" for key, size in asdict(config).items() if key != "dropout")
    name = {"gpt": "GPT-2", "layer_norm": "LayerNorm", "mlp": "MLP"}.get(kind, f"GPT-2's {kind}")
    return (
        f"{type(module).__name__} is not recognised as {name} of this shape: expected {WHAT[kind].format(**sizes)}; "
        f"found {error} ({listing(module)}). Check that it was built with these sizes ({given}) and"
        " that its layers are attributes of it, or stand in an nn.ModuleList."
    )


def all_parameters(units: Iterable[Unit]) -> list[Named]:
    """The parameters of all units, each once."""
    named = [part for unit in units for part in (unit.weight, unit.bias) if part is not None]
    return list({id(parameter.tensor): parameter for parameter in reversed(named)}.values())[::-1]


def is_norm(unit: Unit, config: GPTConfig) -> bool:
    """Whether a unit is a LayerNorm over n_embd numbers: vectors, and no matrix."""
    parts = [part for part in (unit.weight, unit.bias) if part is not None]
    return bool(parts) and all(part.tensor.numel() == config.n_embd for part in parts)


def block(units: list[Unit], config: GPTConfig, way: Orientation, watch: Watch, below: str, found: Found) -> None:
    """Place all of a block, the units of which are given."""
    C = config.n_embd
    norms = [unit for unit in units if is_norm(unit, config)]
    wide = [unit for unit in units if unit.weight is not None and set(unit.weight.shape) == {C, 4 * C}]
    rest = [unit for unit in units if unit.is_matrix and unit not in wide]
    attn, ff = Found({}, found.notes), Found({}, found.notes)
    attention(rest, config, way, watch, below, attn)
    mlp(wide, config, way, below, ff)
    found.places |= {f"attn.{name}": pieces for name, pieces in attn.places.items()}
    found.places |= {f"mlp.{name}": pieces for name, pieces in ff.places.items()}
    block_norms(norms, {"attn": set(rest), "mlp": set(wide)}, below, found)


def whole(
    root: Node, config: GPTConfig, way: Orientation, watch: Watch, found: Found
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Place all of a GPT-2 -> its own head's pieces, and those that `load` sets to zero."""
    blocks = find_blocks(root, config)
    inside = {id(p.tensor) for group in blocks for p in all_parameters(group)}
    outside = [unit for unit in root.units() if not {id(p.tensor) for p in all_parameters([unit])} & inside]
    first, last = ({id(named.tensor) for named in all_parameters(units)} for units in (blocks[0], blocks[-1]))
    if config.n_layer > 1 and first & last:
        found.note(f"all {config.n_layer} blocks share one block's parameters")
    ends = tables(outside, config, found)
    norms = [unit for unit in outside if is_norm(unit, config)]
    final = [unit for unit in norms if FINAL & set(unit.words())] or norms
    layer_norm(final[-1] if final else None, "ln_f", found)
    for layer, units in enumerate(blocks):
        inner = Found({}, found.notes)
        block(units, config, way, watch, shared_path(units), inner)
        found.places |= {f"h.{layer}.{name}": pieces for name, pieces in inner.places.items()}
    return ends


def tables(outside: list[Unit], config: GPTConfig, found: Found) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Place wte and wpe -> the pieces of a head of its own, and those of its bias."""
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
        raise AdoptionError(f"no table of {V} x {C} for the tokens")
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
    """The piece of ours, (rows, C), that a table is."""
    if plain(parameter.tensor).shape == (rows, C):
        return Piece(parameter.name, parameter.tensor, see=plain)
    see: Callable[[Tensor], Tensor] = lambda p: plain(p).T  # noqa: E731
    return Piece(parameter.name, parameter.tensor, see=see, how="transposed")


def choose_positions(candidates: list[Unit], also_tokens: bool) -> Unit | None:
    """The position table: by name, else the last; where it could be the tokens' as well, the second embedding."""
    named = [unit for unit in candidates if POSITIONS & set(unit.words())]
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


def find_blocks(root: Node, config: GPTConfig) -> list[list[Unit]]:
    """The units of each block: n_layer like modules side by side, or n_layer like parts in several lists."""
    n = config.n_layer
    levels = [root]
    singles: list[Node] = []
    while levels:
        for node in levels:
            groups: dict[tuple[tuple[int, ...], ...], list[Node]] = {}
            for child in node.children:
                groups.setdefault(signature(child), []).append(child)
            alike = [group for group in groups.values() if is_block(group[0].units(), config)]
            for group in alike:
                if len(group) == n:
                    return [member.units() for member in group]
                if len(group) > 1:
                    raise AdoptionError(f"{len(group)} blocks instead of {n}")
                singles += group
        levels = [child for node in levels for child in node.children]
    if (side_by_side := zipped(root, n)) and is_block(side_by_side[0], config):
        return side_by_side
    if singles:  # one block that is gone through again and again
        return [singles[0].units()] * n
    raise AdoptionError(f"no {n} like modules that could be blocks")


def zipped(root: Node, n: int) -> list[list[Unit]]:
    """Blocks whose parts are kept in several lists of n: the first of each, the second of each, ..."""
    lists = [node.children for node in root.walk() if len(node.children) == n and node.units()]
    lists = [members for members in lists if len({signature(member) for member in members}) == 1]
    return [[unit for members in lists for unit in members[layer].units()] for layer in range(n)] if lists else []


def signature(node: Node) -> tuple[tuple[int, ...], ...]:
    """The shapes of all parameters in a node, by which blocks are alike."""
    return tuple(sorted(tuple(parameter.tensor.shape) for parameter in all_parameters(node.units())))


def is_block(units: list[Unit], config: GPTConfig) -> bool:
    """Whether these could be one block: two matrices of an MLP, some of attention's, and two LayerNorms at most."""
    C = config.n_embd
    D = C // config.n_head
    matrices = [unit for unit in units if unit.weight is not None and unit.is_matrix]
    wide = [unit for unit in matrices if unit.weight is not None and set(unit.weight.shape) == {C, 4 * C}]
    rest = [unit for unit in matrices if unit not in wide]
    sizes = (C * C, 2 * C * C, 3 * C * C, C * D)
    norms = [unit for unit in units if is_norm(unit, config)]
    return len(wide) == 2 and bool(rest) and all(unit.size in sizes for unit in rest) and len(norms) <= 2


def shared_path(units: list[Unit]) -> str:
    """The path that all these units have in common, up to a dot."""
    first, last = min(unit.path for unit in units), max(unit.path for unit in units)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:n].rpartition(".")[0]
